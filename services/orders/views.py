"""Orders' rows as its HTTP answers show them, with what the asking person may do."""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from services.orders.models.customer import Customer
from services.orders.models.item import Item
from services.orders.models.order import Order, order_name
from services.orders.standing import TRANSITIONS
from shared.auth import Caller
from shared.contracts.http.orders import (
    CustomerView,
    ItemStatus,
    ItemView,
    NewestOrders,
    OrderRow,
    OrderStands,
    OrderView,
    StatusCount,
)
from shared.contracts.orders import OrderStatus


def customer_view(customer: Customer) -> CustomerView:
    return CustomerView.model_validate(customer, from_attributes=True)


def order_row(order: Order) -> OrderRow:
    return OrderRow(
        number=order.name,
        status=OrderStatus(order.status),
        placed_at=order.placed_at,
        currency=order.currency,
        total_minor=order.total_minor,
        paid_minor=order.paid_minor,
        remaining_minor=order.remaining_minor,
        version=order.version,
        customer_id=order.customer_id,
        customer_name=order.customer.name,
        customer_email=order.customer.email,
    )


def newest_orders(customer_id: UUID, orders: Iterable[tuple[int, str, int]]) -> NewestOrders:
    """Of their numbers, statuses and versions."""
    return NewestOrders(
        customer_id=customer_id,
        orders=[
            OrderStands(number=order_name(number), status=OrderStatus(status), version=version)
            for number, status, version in orders
        ],
    )


def order_view(order: Order, active_orders: Sequence[int], caller: Caller) -> OrderView:
    counts = Counter(item.status for item in order.items)
    return OrderView(
        number=order.name,
        status=OrderStatus(order.status),
        placed_at=order.placed_at,
        currency=order.currency,
        subtotal_minor=order.subtotal_minor,
        # A cancelled order costs nothing, so that total = subtotal + delivery still.
        delivery_minor=0 if order.is_cancelled else order.delivery_minor,
        total_minor=order.total_minor,
        paid_minor=order.paid_minor,
        remaining_minor=order.remaining_minor,
        version=order.version,
        shipping_address=order.shipping_address,
        item_counts=[
            StatusCount(status=status, count=counts[status.value]) for status in ItemStatus if counts[status.value]
        ],
        items=[_item_view(item, caller) for item in order.items],
        customer=customer_view(order.customer),
        active_orders=[order_name(number) for number in active_orders],
        actions=["cancel"] if caller.is_staff and order.is_cancellable else [],
    )


def _item_view(item: Item, caller: Caller) -> ItemView:
    return ItemView(
        line=item.line,
        sku=item.sku,
        title=item.title,
        quantity=item.quantity,
        unit_price_minor=item.unit_price_minor,
        total_minor=item.total_minor,
        status=ItemStatus(item.status),
        actions=_item_actions(item, caller),
    )


def _item_actions(item: Item, caller: Caller) -> list[str]:
    status = ItemStatus(item.status)
    if not caller.is_staff:
        return ["accept_price"] if status is ItemStatus.PRICE_CONFIRMATION else []
    changeable = ["set_price", "set_quantity"] if item.is_changeable else []
    return [*(to.value for to in TRANSITIONS[status]), *changeable]
