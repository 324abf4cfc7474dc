"""Where an order stands: a function of its items, of what was paid, and of nothing else.

Orders owns what an order costs, billing what was paid. Both tell facts that are absolute and versioned, so that
whatever crosses, comes late or twice, ends the same:

| what orders has when "paid" arrives     | end                                                             |
|-----------------------------------------|-----------------------------------------------------------------|
| cancelled                               | stays cancelled; billing returns everything                     |
| the same version, paid in part          | awaiting payment                                                |
| the same version                        | order and payable items Paid                                    |
| a newer version, total equal or lower   | Paid; billing returns the difference                            |
| a newer version, total higher           | awaiting additional payment; what was paid stays with the order |
| an item that died meanwhile             | the payable ones Paid; billing returns the dead one's money     |
| a newer word of billing, or the same    | nothing changes                                                 |
| no such order (yet)                     | tried again, then a dead letter                                 |

Its left side is `Order.take_payment_facts`, its right side `order_status` and `item_status`; what billing returns is in
`Invoice.amend`.
"""

from collections.abc import Iterable, Sequence

from shared.contracts.http.orders import ItemStatus
from shared.contracts.orders import OrderStatus

DEAD = frozenset({ItemStatus.RETURNED_TO_SUPPLIER, ItemStatus.UNABLE_TO_DELIVER, ItemStatus.CANCELLED})
# How far along a live item is; the order is as far as its last one.
_REACHED = {
    ItemStatus.AWAITING_PAYMENT: 0,
    ItemStatus.PRICE_CONFIRMATION: 0,
    ItemStatus.PAID: 0,
    ItemStatus.ORDERED: 1,
    ItemStatus.RECEIVED: 1,
    ItemStatus.PACKED: 2,
    ItemStatus.SHIPPED: 3,
    ItemStatus.COMPLETED: 4,
}
_ORDER_REACHED = (
    OrderStatus.PAID,
    OrderStatus.IN_HANDLING,
    OrderStatus.READY_TO_SHIP,
    OrderStatus.SHIPPED,
    OrderStatus.COMPLETED,
)

# What staff may set an item to. `paid` is never set by hand: billing's word does it.
TRANSITIONS: dict[ItemStatus, tuple[ItemStatus, ...]] = {
    ItemStatus.AWAITING_PAYMENT: (ItemStatus.CANCELLED, ItemStatus.UNABLE_TO_DELIVER),
    ItemStatus.PRICE_CONFIRMATION: (
        ItemStatus.AWAITING_PAYMENT,
        ItemStatus.CANCELLED,
        ItemStatus.UNABLE_TO_DELIVER,
    ),
    ItemStatus.PAID: (ItemStatus.ORDERED, ItemStatus.CANCELLED, ItemStatus.UNABLE_TO_DELIVER),
    ItemStatus.ORDERED: (
        ItemStatus.RECEIVED,
        ItemStatus.CANCELLED,
        ItemStatus.UNABLE_TO_DELIVER,
        ItemStatus.RETURNED_TO_SUPPLIER,
    ),
    ItemStatus.RECEIVED: (ItemStatus.PACKED, ItemStatus.CANCELLED, ItemStatus.RETURNED_TO_SUPPLIER),
    ItemStatus.PACKED: (ItemStatus.SHIPPED, ItemStatus.CANCELLED, ItemStatus.RETURNED_TO_SUPPLIER),
    ItemStatus.SHIPPED: (ItemStatus.COMPLETED, ItemStatus.RETURNED_TO_SUPPLIER),
    ItemStatus.COMPLETED: (ItemStatus.RETURNED_TO_SUPPLIER,),
    **dict.fromkeys(DEAD, ()),
}


def order_status(live: Sequence[ItemStatus], *, cancelled: bool, remaining_minor: int, paid_once: bool) -> OrderStatus:
    """`live` are the items that are not dead; `paid_once`: nothing remained to pay at some time."""
    match (cancelled or not live, remaining_minor > 0, paid_once):
        case (True, _, _):
            return OrderStatus.CANCELLED
        case (_, True, False):
            return OrderStatus.AWAITING_PAYMENT
        case (_, True, True):
            return OrderStatus.AWAITING_ADDITIONAL_PAYMENT
        case _:
            return reached(live)


def item_status(status: ItemStatus, raised_version: int, *, remaining_minor: int, paid_version: int) -> ItemStatus:
    """A payable item is Paid where nothing remains to pay, or it has not become dearer since that was so."""
    if status not in (ItemStatus.AWAITING_PAYMENT, ItemStatus.PAID):
        return status
    covered = remaining_minor == 0 or raised_version <= paid_version
    return ItemStatus.PAID if covered else ItemStatus.AWAITING_PAYMENT


def reached(live: Iterable[ItemStatus]) -> OrderStatus:
    """How far a paid order is: as far as the last of its items, or in handling once one is begun."""
    steps = [_REACHED[status] for status in live]
    return _ORDER_REACHED[min(steps) if min(steps) >= 2 else min(max(steps), 1)]
