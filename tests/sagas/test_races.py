"""Staff and customers at the same order at once, at random moments, on real transactions, with a bus that is late and
doubles. `make test` runs a hundred of each race, `make races` two thousand."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import cast
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.move_money import move_money
from services.billing.errors import InsufficientFunds, UnknownInvoice
from shared.contracts.http.billing import MoveMoney, PayForOrder, PaymentView, TransferKind
from shared.contracts.orders import OrderAmended, OrderFacts
from shared.errors import Refusal
from tests.payments import pay_as_it_comes
from tests.sagas.acts import Act, Amend, Cancel, Pay, dies, hear, pieces, price
from tests.sagas.bus import Bus
from tests.sagas.shop import STAFF, Shop, told
from tests.sagas.truth import MoneyRow, OrderRow, judge, money_row, order_row

log = structlog.get_logger()
RACES = int(os.environ.get("RACES", "100"))
AT_ONCE = 4
BALANCE_MINOR = 10_000


async def race_each(run: Callable[[Random], Awaitable[str]], races: int = RACES) -> Counter[str]:
    """So many races, a few at a time; gives how often each of the ends came."""
    ends: Counter[str] = Counter()
    numbers = iter(range(races))

    async def runner() -> None:
        for number in numbers:
            ends[await run(Random(number))] += 1

    await asyncio.gather(*(runner() for _ in range(AT_ONCE)))
    log.info("raced", times=races, ends=dict(ends))
    return ends


async def try_to(shop: Shop, act: Act, number: str, chance: Random) -> str:
    """Somebody's act, at a random moment; gives what refused it."""
    # Now and then so late that others have done, also where everything is slow.
    await asyncio.sleep(chance.uniform(0, 0.6 if chance.random() < 0.1 else 0.06))
    for _ in range(200):
        try:
            if isinstance(act, Pay):
                await pay_as_it_comes(shop.billing, STAFF, number, act.wanted)
            else:
                async with shop.orders.transaction() as session:
                    await act(session, number)
            return "done"
        except UnknownInvoice:
            # "If it was placed just now, try again in a moment."
            await asyncio.sleep(0.01)
        except Refusal as refusal:
            return refusal.code
    raise AssertionError("billing never heard of the order")


async def race(shop: Shop, chance: Random, *acts: Act) -> tuple[list[str], OrderRow, MoneyRow]:
    """One order of 2 x 300 and 1 x 400, these acts on it at once, and where it stands when all is quiet."""
    number = await shop.place(await shop.customer(BALANCE_MINOR), (2, 300), (1, 400))
    # Now and then billing's copy is stale for long.
    bus = Bus(shop, number, chance, latest_seconds=chance.choice((0.005, 0.02, 0.02, 0.1)))
    people = [asyncio.create_task(try_to(shop, act, number, chance)) for act in acts]
    await bus.carry(*people)
    async with shop.orders.transaction() as orders, shop.billing.transaction() as billing:
        order, money = await order_row(orders, number), await money_row(billing, number)
    judge(order, money, BALANCE_MINOR)
    return [person.result() for person in people], order, money


async def test_cancelled_while_being_paid(shop: Shop) -> None:
    async def run(chance: Random) -> str:
        pays = chance.choice(([Pay()], [Pay(600)], [Pay(), Pay()]))
        [cancelled, *paid], order, money = await race(shop, chance, Cancel(), *pays)
        assert (cancelled, order.status, money.balance_minor) == ("done", "cancelled", BALANCE_MINOR)
        return "paid, and all of it back" if "done" in paid else "refused: cancelled already"

    assert set(await race_each(run)) == {"paid, and all of it back", "refused: cancelled already"}


# What each makes of the order's 1,000.
AMENDMENTS: dict[str, tuple[list[Amend], int]] = {
    "price up": ([price(1, 350)], 1_100),
    "price down": ([price(1, 250)], 900),
    "an item dies": ([dies(2)], 600),
    "more pieces": ([pieces(1, 3)], 1_300),
    "fewer pieces": ([pieces(1, 1)], 700),
    "fewer of one and more of another": ([pieces(1, 1), pieces(2, 2)], 1_100),
}


async def test_amended_while_being_paid(shop: Shop) -> None:
    async def run(chance: Random) -> str:
        what = chance.choice(list(AMENDMENTS))
        amendments, total_minor = AMENDMENTS[what]
        pays = chance.choice(([Pay(seen_minor=1_000)], [Pay()], [Pay(600), Pay()]))
        became, order, money = await race(shop, chance, *amendments, *pays)
        assert (order.total_minor, set(became[: len(amendments)])) == (total_minor, {"done"})
        if became[-1] == "amount_changed":
            assert (money.kept_minor, money.version) == (0, 0)
        return f"{what}: {order.status}"

    ends = await race_each(run)
    assert {end.partition(": ")[0] for end in ends} == set(AMENDMENTS)


async def test_clicked_twelve_times_at_once_with_one_key_pays_once(shop: Shop) -> None:
    async def run(chance: Random) -> str:
        number, key = await known_order(shop), str(uuid4())

        async def click() -> PaymentView:
            return await pay_as_it_comes(shop.billing, STAFF, number, PayForOrder(expected_remaining_minor=1_000), key)

        answers = await asyncio.gather(*(click() for _ in range(12)))
        assert len({answer.transfer_id for answer in answers}) == 1
        async with shop.billing.transaction() as session:
            assert (await money_row(session, number)).version == 1
        return "one payment"

    await race_each(run, RACES // 2)


async def test_two_admins_and_the_customer_who_pay_at_once_pay_once(shop: Shop) -> None:
    async def run(chance: Random) -> str:
        number = await known_order(shop)
        told = await asyncio.gather(*(try_to(shop, Pay(), number, chance) for _ in range(3)))
        async with shop.billing.transaction() as session:
            money = await money_row(session, number)
        assert (money.kept_minor, money.version, money.balance_minor) == (1_000, 1, BALANCE_MINOR - 1_000)
        return ", ".join(sorted(told))

    assert set(await race_each(run, RACES // 2)) == {"done, nothing_to_pay, nothing_to_pay"}


async def known_order(shop: Shop) -> str:
    number = await shop.place(await shop.customer(BALANCE_MINOR), (2, 300), (1, 400))
    await Bus(shop, number, Random(0), latest_seconds=0).carry()
    return number


async def test_of_64_who_withdraw_the_whole_balance_at_once_one_succeeds(shop: Shop) -> None:
    for _ in range(max(1, RACES // 20)):
        customer_id = await shop.customer(500)
        results = await asyncio.gather(*(shop.withdraw(customer_id, 500) for _ in range(64)), return_exceptions=True)
        assert Counter(map(type, results)) == {type(None): 1, InsufficientFunds: 63}


async def test_a_storm_on_few_accounts_locks_nobody_out_and_loses_nothing(shop: Shop) -> None:
    """Deposits, withdrawals, payments and refunds of the same four customers, sixteen at a time."""
    numbers = [await known_order(shop) for _ in range(4)]
    rounds = iter(range(RACES * 5))

    async def somebody(chance: Random) -> None:
        for round_ in rounds:
            number = chance.choice(numbers)
            act = chance.choice((None, amend, move))
            with suppress(Refusal):
                if act is None:
                    wanted = PayForOrder(amount_minor=chance.randint(1, 400))
                    await pay_as_it_comes(shop.billing, STAFF, number, wanted)
                    continue
                async with shop.billing.transaction() as session:
                    await act(session, number, chance, round_)

    async def amend(session: AsyncSession, number: str, chance: Random, round_: int) -> None:
        placed = placed_by_number[number]
        facts = placed.model_dump() | {"version": round_ + 2, "total_minor": chance.randint(0, 2_000)}
        await hear(session, OrderAmended(**facts, line=1))

    async def move(session: AsyncSession, number: str, chance: Random, _: int) -> None:
        kind = chance.choice((TransferKind.DEPOSIT, TransferKind.WITHDRAWAL))
        wanted = MoveMoney(amount_minor=chance.randint(1, 500), currency="USD")
        await move_money(session, STAFF, placed_by_number[number].customer_id, kind, wanted, "USD")

    async with shop.orders.transaction() as session:
        placed_by_number = {number: cast(OrderFacts, (await told(session, number))[0]) for number in numbers}
    await asyncio.gather(*(somebody(Random(seed)) for seed in range(16)))
    async with shop.billing.transaction() as session:
        for number in numbers:
            money = await money_row(session, number)
            assert (money.balance_minor, money.kept_minor) == (money.transferred_minor, money.paid_minor)
            assert money.clearing_minor == 0
