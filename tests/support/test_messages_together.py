"""Messages that are said in one transaction: each gets its own answer, and nobody suffers from another."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from structlog.contextvars import bound_contextvars

from services.support.commands.add_message import Saying, add_message, add_message_held
from services.support.errors import UnknownTicket
from shared.auth import Caller
from shared.contracts.http.support import AddMessage, MessageView
from shared.contracts.support import TicketChanged, TicketCountsChanged
from shared.db import Database
from shared.errors import Refusal
from shared.idempotency import Claim
from tests.support.conftest import OPERATOR, Customer
from tests.support.test_counts import (
    assert_counts_are_right,
    assert_shop_count_is_right,
)


def saying(ticket: str, caller: Caller, words: str = "More", key: str = "", request: bytes = b"") -> Saying:
    with bound_contextvars(correlation_id=f"says {words}"):
        return Saying(caller, UUID(ticket), AddMessage(text=words), Claim.of("test", key or str(uuid4()), request))


async def say(database: Database, *sayings: Saying) -> list[MessageView | str | None]:
    """Views, the codes of refusals, and None for what is to be tried alone."""
    async with database.transaction() as session:
        answers = await add_message(session, sayings)
    return [answer.code if isinstance(answer, Refusal) else answer for answer in answers]


async def test_each_gets_the_answer_that_it_would_get_alone(support: Database, customer: Customer) -> None:
    stranger, key = Customer(customer.client, support), str(uuid4())
    first, second = await customer.begin(), await customer.begin("Good news", OPERATOR)
    answers = await say(
        support,
        saying(first, customer.caller, "one", key),
        saying(first, customer.caller, "one", key),
        saying(first, customer.caller, "other", key, b"another"),
        saying(first, stranger.caller),
        saying(str(uuid4()), customer.caller),
        saying(second, customer.caller, "two"),
        saying(first, OPERATOR, "three"),
        saying(second, customer.caller, "four"),
    )
    told = [(answer.seq, answer.text) if isinstance(answer, MessageView) else answer for answer in answers]
    assert told == [
        (2, "one"), (2, "one"), "idempotency_key_reused", "unknown_ticket", None, (2, "two"), (3, "three"), (3, "four"),
    ]  # fmt: skip
    assert answers[0] == answers[1]
    assert await say(support, saying(first, customer.caller, "one", key)) == [answers[0]]
    async with support.transaction() as session:
        with pytest.raises(UnknownTicket):
            await add_message_held(session, saying(str(uuid4()), customer.caller))
    assert await customer.counts() == (2, 2, 2)


async def test_each_is_counted_and_told_as_its_own(support: Database, customer: Customer) -> None:
    tickets = [await customer.begin("Good news", OPERATOR) for _ in range(3)]
    before = await customer.get("/ticket-counts", OPERATOR)
    await say(support, *(saying(ticket, customer.caller, f"{ticket} {n}") for n in range(2) for ticket in tickets))
    await assert_counts_are_right(customer)
    await assert_shop_count_is_right(customer)
    for ticket in tickets:
        _, *later = await customer.told(TicketChanged, ticket)
        assert [(event.version, event.new, event.message and event.message.text) for event in later] == [
            (2, True, f"{ticket} 0"),
            (3, True, f"{ticket} 1"),
        ]
    counted = (await customer.told(TicketCountsChanged, customer.id))[3:]
    assert [
        (event.new, event.shop_new - before["new"], event.shop_version - before["version"]) for event in counted
    ] == [(n, n, n) for n in (1, 2, 3)]
    async with support.transaction() as session:
        causes = await session.scalars(
            text("SELECT correlation_id FROM outbox WHERE subject = ANY(:tickets) AND version > 1 ORDER BY position"),
            {"tickets": tickets},
        )
        assert list(causes) == [f"says {ticket} {n}" for n in range(2) for ticket in tickets]


@contextmanager
def counted_statements(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("many", [1, 32])
async def test_many_messages_take_as_many_statements_as_one(support: Database, customer: Customer, many: int) -> None:
    """What is held, its keys, what is written, the shop's count, the news, and the keys' answers."""
    tickets = [await customer.begin("Good news", OPERATOR) for _ in range(many)]
    for most in (6, 5):
        # Said again, it is new already: nothing is counted.
        with counted_statements(support) as statements:
            await say(support, *(saying(ticket, customer.caller) for ticket in tickets))
        assert len(statements) == most, statements
