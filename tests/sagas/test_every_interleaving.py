"""Staff change an order while its customer pays, and each service hears of the other when it hears: every way in which
that can fall, on both databases at once, ends in the state table."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.errors import AmountChanged, NothingToPay
from shared.contracts.base import Event
from tests.sagas.acts import Act, Cancel, Pay, dies, hear, pieces, price
from tests.sagas.every_order import EveryOrder, Move, undone
from tests.sagas.shop import Shop, told
from tests.sagas.truth import MoneyRow, OrderRow, judge, money_row, order_row

BALANCE_MINOR = 10_000

# What staff do, one after the other, and what the customer does meanwhile; the order is 2 x 300 and 1 x 400.
CROSSINGS: dict[str, tuple[Sequence[Act], Sequence[Pay]]] = {
    "cancelled while paid": ([Cancel()], [Pay()]),
    "cancelled while paid in parts": ([Cancel()], [Pay(600), Pay()]),
    "dearer while paid": ([pieces(1, 3)], [Pay()]),
    "dearer while paid in parts": ([pieces(1, 3)], [Pay(600), Pay()]),
    "cheaper while paid": ([pieces(1, 1)], [Pay()]),
    "an item dies while paid": ([dies(2)], [Pay()]),
    "both items die while paid": ([dies(2), dies(1)], [Pay()]),
    "price raised while paid": ([price(1, 350)], [Pay(), Pay()]),
    "dearer and cancelled while paid": ([pieces(2, 2), Cancel()], [Pay(), Pay()]),
    "cheaper and dearer while paid": ([pieces(1, 1), pieces(1, 3)], [Pay()]),
}
Left = tuple[int, int, frozenset[str]]
"""How much staff have done, and the customer, and what has been heard."""
Rows = tuple[OrderRow, MoneyRow, frozenset[str]]


@dataclass(frozen=True)
class Crossing:
    """One order, on both databases."""

    number: str
    staff: Sequence[Act]
    customer: Sequence[Pay]
    orders: AsyncSession
    billing: AsyncSession

    async def look(self) -> Rows:
        order, money = await order_row(self.orders, self.number), await money_row(self.billing, self.number)
        return order, money, frozenset(await self._told())

    async def moves(self, left: Left) -> list[Move[Left]]:
        staff, customer, heard = left
        can: list[Move[Left]] = [
            (partial(self._hear_twice, session, event), (staff, customer, heard | {name}))
            for name, (session, event) in (await self._told()).items()
            if name not in heard
        ]
        if staff < len(self.staff):
            can.append((partial(self.staff[staff], self.orders, self.number), (staff + 1, customer, heard)))
        if customer < len(self.customer):
            can.append((partial(self._pay, self.customer[customer]), (staff, customer + 1, heard)))
        return can

    async def _hear_twice(self, session: AsyncSession, event: Event) -> None:
        await hear(session, event)
        await hear(session, event)

    async def _pay(self, pay: Pay) -> None:
        with suppress(NothingToPay, AmountChanged):
            await pay(self.billing, self.number)

    async def _told(self) -> dict[str, tuple[AsyncSession, Event]]:
        """What was told, by what it says, with the session of the service that listens."""
        by_orders, by_billing = await told(self.orders, self.number), await told(self.billing, self.number)
        heard_by = [(self.billing, event) for event in by_orders] + [(self.orders, event) for event in by_billing]
        return {_says(event): (session, event) for session, event in heard_by}


def _says(event: Event) -> str:
    """All but when it was told, and the transfer's id."""
    says = event.model_dump(exclude={"at", "transfer_id"})
    return repr({**says, "first_paid_in_full_at": bool(says.get("first_paid_in_full_at"))})


@pytest.mark.parametrize("name", CROSSINGS)
async def test_every_way_ends_in_the_state_table(shop: Shop, name: str) -> None:
    staff, customer = CROSSINGS[name]
    number = await shop.place(await shop.customer(BALANCE_MINOR), (2, 300), (1, 400))
    async with shop.orders.transaction() as orders, shop.billing.transaction() as billing, undone(orders, billing):
        [placed] = await told(orders, number)
        await hear(billing, placed)
        crossing = Crossing(number, staff, customer, orders, billing)
        every = EveryOrder([orders, billing], crossing.look, crossing.moves)
        ends = await every.go((0, 0, frozenset({_says(placed)})))
    for order, money, _ in ends:
        judge(order, money, BALANCE_MINOR)
    # And nothing but the money, and what the items cost, decides where the order stands.
    stands: dict[object, set[object]] = defaultdict(set)
    for order, _, _ in ends:
        stands[order.total_minor, order.paid_minor, order.paid_once].add((order.status, order.items))
    assert [found for found in stands.values() if len(found) > 1] == []
