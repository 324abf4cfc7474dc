"""A withdrawal above the limit takes two people, however it is tried."""

import asyncio
import random
from collections.abc import Awaitable

import pytest
from sqlalchemy import text

from services.billing.errors import AlreadyDecided, HoldExpired, InsufficientFunds, OwnRequest
from shared.auth import Caller, Role
from shared.contracts.http.billing import HoldState, HoldView, MoneyMoved
from shared.db import Database
from shared.errors import Forbidden, Refusal
from tests.billing.conftest import FINANCIER, OPERATOR, Customer
from tests.billing.holds import BOSS, LIMIT, Till

OTHERS = [Caller(f"fin-{number}", Role.FINANCIER) for number in range(8)]


@pytest.fixture
async def till(customer: Customer, owner: Database) -> Till:
    """Of somebody with ten times the limit."""
    await customer.deposit(10 * LIMIT)
    return Till(customer, owner)


# --- What waits, and what that means for the money --------------------------------------------------------------------


async def test_up_to_the_limit_it_is_done_at_once_and_beyond_it_waits(till: Till) -> None:
    assert isinstance(await till.withdraw(LIMIT), MoneyMoved)
    waits = await till.hold(LIMIT + 1)
    assert (waits.state, waits.asked_by, waits.decided_by, waits.actions) == ("waiting", "fin", None, ["refuse"])
    assert await till.money() == (9 * LIMIT, LIMIT + 1)


async def test_what_is_held_can_be_neither_paid_nor_withdrawn(till: Till) -> None:
    await till.hold(9 * LIMIT)
    number = await till.customer.hear(till.customer.order(2 * LIMIT))
    with pytest.raises(InsufficientFunds):
        await till.customer.pay(number, amount_minor=LIMIT + 1)
    for amount_minor in (LIMIT + 1, 2 * LIMIT):
        with pytest.raises(InsufficientFunds):
            await till.withdraw(amount_minor)
    await till.customer.pay(number, amount_minor=LIMIT)
    assert await till.money() == (9 * LIMIT, 9 * LIMIT)


async def test_another_persons_approval_withdraws_it(till: Till) -> None:
    waits = await till.hold(4 * LIMIT)
    done = await till.approve(waits)
    assert (done.state, done.decided_by, done.decision_note, done.actions) == (
        "approved", "boss", "Seen the contract", [],
    )  # fmt: skip
    assert await till.money() == (6 * LIMIT, 0)
    [transfer] = await till.rows("SELECT * FROM transfers WHERE customer_id = :customer_id AND kind = 'withdrawal'")
    assert (transfer["id"], transfer["amount_minor"], transfer["note"], transfer["staff_note"]) == (
        done.transfer_id, 4 * LIMIT, "To the bank", "Asked by phone",
    )  # fmt: skip


@pytest.mark.parametrize("caller", [BOSS, FINANCIER], ids=["another person", "whoever asked"])
async def test_a_refusal_releases_it(till: Till, caller: Caller) -> None:
    waits = await till.hold(4 * LIMIT)
    refused = await till.refuse(waits, caller)
    assert (refused.state, refused.decided_by, refused.transfer_id) == ("refused", caller.login, None)
    assert await till.money() == (10 * LIMIT, 0)


async def test_undecided_for_too_long_it_is_released_once(till: Till) -> None:
    old, young = await till.hold(4 * LIMIT), await till.hold(2 * LIMIT)
    await till.turn_clock(days=7)
    again = await till.hold(3 * LIMIT)
    await asyncio.gather(*(till.expire() for _ in range(8)))
    assert [await till.state(hold) for hold in (old, young, again)] == ["expired", "expired", "waiting"]
    assert await till.money() == (10 * LIMIT, 3 * LIMIT)


async def test_who_may_not_move_money_may_not_decide_either(till: Till) -> None:
    waits = await till.hold(2 * LIMIT)
    for caller in (OPERATOR, till.customer.caller):
        for act in (till.withdraw(1, caller), till.approve(waits, caller), till.refuse(waits, caller)):
            with pytest.raises(Forbidden):
                await act
    assert await till.money() == (10 * LIMIT, 2 * LIMIT)


async def test_each_step_is_told_and_written_down(till: Till) -> None:
    waits = await till.hold(4 * LIMIT)
    await till.approve(waits)
    acts = await till.rows(
        "SELECT login, act, note, details FROM acts WHERE subject = :id ORDER BY id", id=str(waits.customer_id)
    )
    assert [(act["login"], act["act"], act["note"]) for act in acts[1:]] == [
        ("fin", "ask_withdrawal", "Asked by phone"), ("boss", "approve_withdrawal", "Seen the contract"),
    ]  # fmt: skip
    assert (
        acts[2]["details"].items() >= {"asked_by": "fin", "amount_minor": 4 * LIMIT, "hold_id": str(waits.id)}.items()
    )
    told = await till.rows(
        "SELECT version, body::jsonb ->> 'state' AS state FROM outbox WHERE subject = :id ORDER BY version",
        id=str(waits.id),
    )
    assert [(row["version"], row["state"]) for row in told] == [(1, "waiting"), (2, "approved")]


# --- The six ways round it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "caller", [FINANCIER, Caller("fin", Role.ADMIN)], ids=["in another session", "with another role"]
)
async def test_nobody_approves_their_own(till: Till, caller: Caller) -> None:
    waits = await till.hold(2 * LIMIT)
    with pytest.raises(OwnRequest):
        await till.approve(waits, caller)
    assert await till.money() == (10 * LIMIT, 2 * LIMIT)


async def test_of_eight_who_approve_at_once_one_does(till: Till) -> None:
    waits = await till.hold(2 * LIMIT)
    results = await asyncio.gather(*(till.approve(waits, caller) for caller in OTHERS), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["AlreadyDecided"] * 7 + ["HoldView"]
    assert await till.money() == (8 * LIMIT, 0)


async def test_what_was_decided_stays_so(till: Till) -> None:
    approved, refused = await till.hold(2 * LIMIT), await till.hold(3 * LIMIT)
    await till.approve(approved)
    await till.refuse(refused)
    for hold in (approved, refused):
        for decide in (till.approve, till.refuse):
            with pytest.raises(AlreadyDecided) as refusal:
                await decide(hold)
            assert refusal.value.facts["decided_by"] == "boss"
    assert await till.money() == (8 * LIMIT, 0)


async def test_after_its_time_nobody_approves_it(till: Till) -> None:
    waits = await till.hold(2 * LIMIT)
    await till.turn_clock(days=7)
    with pytest.raises(HoldExpired):
        await till.approve(waits)
    await till.expire()
    with pytest.raises(HoldExpired):
        await till.approve(waits)
    assert await till.money() == (10 * LIMIT, 0)


@pytest.mark.parametrize("callers", [[FINANCIER], OTHERS], ids=["by one person", "by several"])
async def test_ten_small_ones_at_once_are_one_large_one(till: Till, callers: list[Caller]) -> None:
    wanted = (till.withdraw(LIMIT // 4, callers[number % len(callers)]) for number in range(10))
    results = await asyncio.gather(*wanted)
    assert [type(result) for result in results].count(MoneyMoved) == 4
    assert [type(result) for result in results].count(HoldView) == 6
    assert await till.money() == (9 * LIMIT, 6 * LIMIT // 4)


async def test_small_ones_add_up_for_a_day_and_approved_ones_do_not(till: Till) -> None:
    await till.approve(await till.hold(3 * LIMIT))
    assert isinstance(await till.withdraw(LIMIT - 1), MoneyMoved)
    await till.hold(2)
    await till.turn_clock(hours=23, minutes=59)
    await till.hold(2)
    await till.turn_clock(minutes=2)
    assert isinstance(await till.withdraw(LIMIT), MoneyMoved)


# --- All of it at once ------------------------------------------------------------------------------------------------


async def test_decided_three_ways_at_once_it_ends_one_way(till: Till) -> None:
    for round_ in range(6):
        waits = await till.hold(LIMIT + 1)
        if round_ % 2:
            await till.turn_clock(days=7)
        before, _ = await till.money()
        deciding = (till.approve(waits), till.refuse(waits), till.expire(), till.approve(waits, OTHERS[0]))
        results = await asyncio.gather(*deciding, return_exceptions=True)
        unexpected = [each for each in results if isinstance(each, Exception) and not isinstance(each, Refusal)]
        assert unexpected == []
        withdrawn = LIMIT + 1 if await till.state(waits) == HoldState.APPROVED else 0
        assert await till.money() == (before - withdrawn, 0)


async def test_in_any_turmoil_every_version_is_explained_and_what_is_held_is_what_waits(till: Till) -> None:
    chance, number = random.Random(7), await till.customer.hear(till.customer.order(5 * LIMIT))

    async def act() -> None:
        amount_minor = chance.choice([LIMIT // 5, LIMIT + 1, 3 * LIMIT])
        begun = await till.withdraw(amount_minor, chance.choice(OTHERS))
        if isinstance(begun, HoldView) and (decide := chance.choice([till.approve, till.refuse, None])):
            await decide(begun)

    acts: list[Awaitable[object]] = [act() for _ in range(60)]
    acts += [till.customer.deposit(LIMIT) for _ in range(20)]
    acts += [till.customer.pay(number, amount_minor=LIMIT // 2) for _ in range(10)]
    results = await asyncio.gather(*acts, return_exceptions=True)
    assert {type(each) for each in results if isinstance(each, Exception)} <= {InsufficientFunds}

    [account] = await till.rows(
        """
        SELECT version, balance_minor, held_minor,
               (SELECT coalesce(sum(amount_minor), 0) FROM holds WHERE customer_id = a.id AND state = 'waiting')
                   AS waiting_minor,
               (SELECT sum(CASE WHEN credit_account = a.id THEN amount_minor ELSE -amount_minor END)
                FROM transfers WHERE customer_id = a.id) AS transferred_minor
        FROM accounts a WHERE id = :customer_id
        """
    )
    assert (account["held_minor"], account["balance_minor"]) == (account["waiting_minor"], account["transferred_minor"])
    explained = await till.rows(
        """
        SELECT account_version AS version FROM transfers WHERE customer_id = :customer_id
        UNION ALL SELECT begun_version FROM holds WHERE customer_id = :customer_id
        UNION ALL SELECT released_version FROM holds WHERE customer_id = :customer_id AND released_version IS NOT NULL
        ORDER BY version
        """
    )
    told = await till.rows(
        "SELECT version FROM outbox WHERE aggregate = 'account' AND subject = :id UNION ALL"
        " SELECT version FROM outbox_archive WHERE aggregate = 'account' AND subject = :id ORDER BY version",
        id=str(till.customer.id),
    )
    every = list(range(1, account["version"] + 1))
    assert [row["version"] for row in explained] == every
    assert [row["version"] for row in told] == every


async def test_the_sum_of_a_day_is_found_by_an_index(till: Till) -> None:
    async with till.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await session.execute(
            text(
                "EXPLAIN SELECT sum(amount_minor) FROM transfers"
                " WHERE customer_id = :id AND kind = 'withdrawal' AND at > clock_timestamp() - interval '24 hours'"
            ),
            {"id": till.customer.id},
        )
        assert "ix_transfers_withdrawals" in "\n".join(plan.scalars())
