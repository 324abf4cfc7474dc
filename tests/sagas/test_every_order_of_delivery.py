"""Whatever comes late, twice or crossing: the same end, and the same money. Every order is tried, none is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event
from tests.sagas.acts import Accept, Act, Cancel, Pay, dies, hear, pieces, price
from tests.sagas.every_order import EveryOrder, Move, undone
from tests.sagas.shop import Shop, told
from tests.sagas.truth import MoneyRow, money_row, order_row

BALANCE_MINOR = 10_000

# An order of 2 x 300 and 1 x 400, which costs 1,000, and what becomes of it.
LIVES: dict[str, tuple[Act, ...]] = {
    "paid, cancelled": (Pay(), Cancel()),
    "paid, dearer, paid, cheaper": (Pay(), pieces(1, 3), Pay(), pieces(1, 1)),
    "paid in part, cheaper, dearer, paid": (Pay(700), pieces(1, 1), pieces(1, 3), Pay()),
    "paid in part, cheaper, dearer, paid in part": (Pay(600), pieces(1, 1), pieces(2, 2), Pay(50)),
    "paid, price raised, accepted, paid, an item dies": (Pay(), price(1, 350), Accept(1), Pay(), dies(2)),
    "price raised, paid, accepted, dearer": (price(1, 350), Pay(), Accept(1), pieces(2, 2)),
    "paid in part, an item dies, cheaper, cancelled": (Pay(300), Pay(), dies(1), price(2, 100), Cancel()),
    "paid, both items die": (Pay(), dies(1), dies(2)),
    "free, then not, paid in part, paid, cancelled": (
        price(1, 0), price(2, 0), price(1, 500), Pay(700), Pay(), Cancel(),
    ),
    "seven facts": (Pay(100), Pay(200), Pay(300), Pay(), price(1, 250), dies(2), Cancel()),
    "seven changes": (Pay(), *(price(1, minor) for minor in (290, 280, 270, 260)), pieces(1, 1), dies(2), dies(1)),
}  # fmt: skip


@dataclass(frozen=True)
class Life:
    """An order of which billing has heard, and what both services will tell of what becomes of it."""

    customer_id: UUID
    number: str
    by_orders: Sequence[Event]
    by_billing: Sequence[Event]


async def live_through(shop: Shop, acts: Sequence[Act]) -> Life:
    """Place an order, and find out what is told of its life, without keeping that."""
    customer_id = await shop.customer(BALANCE_MINOR)
    number = await shop.place(customer_id, (2, 300), (1, 400))
    async with shop.orders.transaction() as orders, shop.billing.transaction() as billing:
        [placed] = await told(orders, number)
        await hear(billing, placed)
        async with undone(orders, billing):
            heard = 1
            for act in acts:
                await act(billing if isinstance(act, Pay) else orders, number)
                for event in (await told(orders, number))[heard:]:
                    await hear(billing, event)
                    heard += 1
            return Life(customer_id, number, (await told(orders, number))[1:], await told(billing, number))


async def deliveries(
    session: AsyncSession, events: Sequence[Event], left: tuple[int, ...]
) -> list[Move[tuple[int, ...]]]:
    """Any of the events that are still to come, one time less."""
    return [
        (partial(hear, session, event), (*left[:place], left[place] - 1, *left[place + 1 :]))
        for place, event in enumerate(events)
        if left[place]
    ]


def times(events: Sequence[Event]) -> tuple[int, ...]:
    """Each comes twice, anywhere among the others; seven of them once, which is 5,040 orders."""
    return (2 if len(events) < 6 else 1,) * len(events)


@pytest.mark.parametrize("name", LIVES)
async def test_orders_hears_what_was_paid_in_every_order_and_twice(shop: Shop, name: str) -> None:
    acts = LIVES[name]
    life = await live_through(shop, acts)
    async with shop.orders.transaction() as session, undone(session):
        for act in acts:
            if not isinstance(act, Pay):
                await act(session, life.number)
        look, moves = partial(order_row, session, life.number), partial(deliveries, session, life.by_billing)
        [end] = await EveryOrder([session], look, moves).go(times(life.by_billing))
    assert end.paid_minor == life.by_billing[-1].paid_minor  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", LIVES)
async def test_billing_hears_what_an_order_costs_in_every_order_and_twice(shop: Shop, name: str) -> None:
    ends = await billing_hears(shop, LIVES[name])
    assert len({end.end for end in ends}) == 1


async def test_only_what_went_back_at_a_low_depends_on_whether_the_low_was_heard_in_time(shop: Shop) -> None:
    """A refund is never taken again without its owner's word, and a low that comes late changes nothing."""
    ends = await billing_hears(shop, (Pay(), pieces(1, 1), pieces(1, 3)))
    assert {(end.total_minor, end.kept_minor) for end in ends} == {(1_300, 700), (1_300, 1_000)}


async def billing_hears(shop: Shop, acts: Sequence[Act]) -> set[MoneyRow]:
    """All the ends where its customer has paid as the first act says, before billing hears of the others."""
    life = await live_through(shop, acts)
    async with shop.billing.transaction() as session, undone(session):
        if isinstance(acts[0], Pay):
            await acts[0](session, life.number)
        look, moves = partial(money_row, session, life.number), partial(deliveries, session, life.by_orders)
        ends = await EveryOrder([session], look, moves).go(times(life.by_orders))
    assert {end.balance_minor + end.kept_minor for end in ends} == {BALANCE_MINOR}
    assert {end.clearing_minor for end in ends} == {0}
    return ends
