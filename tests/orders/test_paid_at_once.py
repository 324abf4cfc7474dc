"""What billing tells of several orders is written by one statement, as far as nobody comes between."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from services.orders import queries
from services.orders.commands.mark_orders_paid import mark_orders_paid
from services.orders.models.order import Order
from shared.contracts.billing import InvoiceFacts
from shared.db import Database
from shared.inbox import Heard, Taken
from tests.orders.conftest import Customer


def taken(fact: InvoiceFacts, event_id: UUID | None = None) -> Taken[InvoiceFacts]:
    with bound_contextvars(correlation_id=f"paid {fact.order_number} {fact.version}"):
        return event_id or uuid4(), Heard(fact)


async def mark(database: Database, *facts: Taken[InvoiceFacts]) -> list[bool | None]:
    """Whether each was new; None for what was left."""
    async with database.autocommit() as session:
        done = await mark_orders_paid(session, facts)
    return [done.get(event_id) for event_id, _ in facts]


async def in_inbox(database: Database, facts: Sequence[Taken[InvoiceFacts]]) -> list[bool]:
    async with database.transaction() as session:
        ids = set(await session.scalars(text("SELECT event_id FROM inbox")))
    return [event_id in ids for event_id, _ in facts]


def full(customer: Customer, number: str, version: int = 1, paid_minor: int = 300) -> InvoiceFacts:
    return customer.fact(number, version, paid_minor, full_at=datetime.now(UTC))


async def statuses(customer: Customer, *numbers: str) -> list[tuple[str, list[str]]]:
    pages = [await customer.page(number) for number in numbers]
    return [(page["status"], [item["status"] for item in page["items"]]) for page in pages]


PAID, UNPAID = ("paid", ["paid"] * 2), ("awaiting_payment", ["awaiting_payment"] * 2)


@pytest.fixture
async def numbers(customer: Customer) -> list[str]:
    return [await customer.place(100, 200) for _ in range(5)]


@pytest.mark.parametrize("many", [1, 5])
async def test_many_are_marked_by_two_statements_and_told_each_as_its_own(
    orders: Database, customer: Customer, numbers: list[str], many: int
) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    facts = [taken(full(customer, number)) for number in numbers[:many]]
    event.listen(orders.engine.sync_engine, "before_cursor_execute", note)
    assert await mark(orders, *facts) == [True] * many
    event.remove(orders.engine.sync_engine, "before_cursor_execute", note)
    assert len(statements) == 2
    assert await statuses(customer, *numbers) == [PAID] * many + [UNPAID] * (5 - many)
    assert await in_inbox(orders, facts) == [True] * many
    async with orders.transaction() as session:
        told = await session.scalars(
            text("SELECT correlation_id FROM outbox WHERE subject = ANY(:numbers) AND version = 2 ORDER BY subject"),
            {"numbers": numbers},
        )
        assert list(told) == [f"paid {number} 1" for number in numbers[:many]]


async def test_an_event_takes_effect_once(orders: Database, customer: Customer, numbers: list[str]) -> None:
    first, other = taken(full(customer, numbers[0])), taken(full(customer, numbers[1]))
    assert await mark(orders, first, first) == [True, True]
    assert await mark(orders, first, other) == [False, True]
    assert await customer.told(numbers[0]) == [("order_placed", 1), ("order_changed", 2)]


async def test_an_older_word_changes_nothing_and_is_done_with(
    orders: Database, customer: Customer, numbers: list[str]
) -> None:
    newer, older = taken(full(customer, numbers[0], version=2)), taken(customer.fact(numbers[0], 1, 100))
    assert await mark(orders, newer) == [True]
    assert await mark(orders, older) == [True]
    assert await statuses(customer, numbers[0]) == [PAID]
    assert await in_inbox(orders, [newer, older]) == [True, True]
    assert len(await customer.told(numbers[0])) == 2


async def test_several_words_on_one_order_are_told_one_by_one(
    orders: Database, customer: Customer, numbers: list[str]
) -> None:
    facts = [taken(customer.fact(numbers[0], 1, 100)), taken(full(customer, numbers[0], version=2))]
    assert await mark(orders, *facts) == [True, True]
    assert await statuses(customer, numbers[0]) == [PAID]
    assert [version for _, version in await customer.told(numbers[0])] == [1, 2, 3]


@pytest.fixture
async def held(orders: Database, numbers: list[str]) -> AsyncIterator[None]:
    """Somebody has the first one in hand: a process that was frozen in the middle of its transaction does."""
    async with orders.transaction() as session:
        await session.execute(text("SELECT FROM orders WHERE number = :n FOR UPDATE"), {"n": int(numbers[0][4:])})
        yield


@pytest.mark.usefixtures("held")
async def test_one_that_somebody_holds_is_left_and_keeps_no_other_waiting(
    orders: Database, customer: Customer, numbers: list[str]
) -> None:
    facts = [taken(full(customer, number)) for number in numbers]
    assert await mark(orders, *facts) == [None, True, True, True, True]
    assert await statuses(customer, *numbers) == [UNPAID, PAID, PAID, PAID, PAID]
    assert await in_inbox(orders, facts) == [False, True, True, True, True]


async def test_one_that_is_not_there_yet_is_left(orders: Database, customer: Customer, numbers: list[str]) -> None:
    facts = [taken(full(customer, number)) for number in ("ORD-9999999998", numbers[0])]
    assert await mark(orders, *facts) == [None, True]
    assert await mark(orders, facts[0]) == [None]
    assert await in_inbox(orders, facts) == [False, True]


async def cancel(customer: Customer, number: str) -> None:
    await customer.client.ask("POST", f"/orders/{number}/cancellation")


async def amend(customer: Customer, number: str) -> None:
    await customer.amend(number, 1, quantity=2)


async def hear_of_a_part(customer: Customer, number: str) -> None:
    await customer.hear(customer.fact(number, 1, 50))


@pytest.mark.parametrize(
    ("act", "status"),
    [(cancel, "cancelled"), (amend, "awaiting_additional_payment"), (hear_of_a_part, "paid")],
)
async def test_what_was_changed_since_it_was_seen_is_left_and_marked_anew(
    orders: Database,
    customer: Customer,
    numbers: list[str],
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Customer, str], Awaitable[None]],
    status: str,
) -> None:
    look = queries.find_orders

    async def look_too_early(session: AsyncSession, wanted: Collection[str]) -> dict[str, Order]:
        found = await look(session, wanted)
        monkeypatch.undo()
        await act(customer, numbers[0])
        return found

    monkeypatch.setattr(queries, "find_orders", look_too_early)
    facts = [taken(full(customer, number, version=2)) for number in numbers[:2]]
    assert await mark(orders, *facts) == [None, True]
    assert await in_inbox(orders, facts) == [False, True]
    assert (await statuses(customer, numbers[0]))[0][0] != "paid"
    assert await mark(orders, facts[0]) == [True]
    assert (await statuses(customer, numbers[0]))[0][0] == status
    assert [version for _, version in await customer.told(numbers[0])] == [1, 2, 3]
