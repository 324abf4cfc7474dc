"""Messages that the gateway asks for in one request: each is what it would be alone, and keeps no other waiting."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from shared.auth import Caller
from shared.contracts.http.together import MESSAGES
from shared.db import Database
from tests.client import Client, one_of_many
from tests.installation import Installation
from tests.support.conftest import OPERATOR, Customer
from tests.support.test_counts import assert_conversation_is_right, assert_counts_are_right


def wish(ticket: str, caller: Caller, words: str = "More", key: str = "") -> dict[str, Any]:
    return one_of_many(ticket, {"text": words}, caller, key)


async def test_each_is_answered_as_it_would_be_alone(client: Client, support: Database, customer: Customer) -> None:
    stranger, key = Customer(client, support), str(uuid4())
    ticket = await customer.begin()
    wishes = [
        wish(ticket, customer.caller, "Grüße", key),
        wish(ticket, customer.caller, "another", key),
        wish(ticket, stranger.caller),
        wish(ticket, OPERATOR, "Yes"),
    ]
    many = (await client.ask_many(MESSAGES, *wishes)).json()
    assert [each["status"] for each in many] == [201, 422, 404, 201]
    for each, wanted in zip(many, wishes, strict=True):
        alone = await client.ask_alone(MESSAGES, wanted)
        assert (alone.status_code, alone.text) == (each["status"], each["body"])
    assert [message["text"] for message in (await customer.get(f"/tickets/{ticket}"))["messages"]] == [
        "Hello",
        "Grüße",
        "Yes",
    ]
    await assert_conversation_is_right(customer, ticket)


async def test_a_conversation_that_is_not_there_is_left_to_be_asked_for_alone(
    client: Client, customer: Customer
) -> None:
    """Among many that cannot be told from one that somebody holds."""
    absent, there = wish(str(uuid4()), customer.caller), wish(await customer.begin(), customer.caller)
    first, second = (await client.ask_many(MESSAGES, absent, there)).json()
    assert (first, second["status"]) == (None, 201)
    assert (await client.ask_alone(MESSAGES, absent)).status_code == 404


@pytest.mark.parametrize("held", ["tickets", "counts"])
@pytest.mark.parametrize("others", [0, 20])
async def test_one_that_somebody_holds_is_left_to_be_asked_alone(
    client: Client, support: Database, customer: Customer, held: str, others: int
) -> None:
    """As a process that was frozen in the middle of its transaction does; also where it is the only one."""
    other = Customer(client, support)
    ticket, free = await customer.begin(), [await other.begin() for _ in range(others)]
    hold = {
        "tickets": "SELECT FROM tickets WHERE id = :ticket FOR UPDATE",
        "counts": "SELECT FROM counts WHERE customer_id = :customer FOR UPDATE",
    }[held]
    wishes = [wish(ticket, customer.caller), *(wish(each, other.caller) for each in free)]
    async with support.transaction() as session:
        await session.execute(text(hold), {"ticket": ticket, "customer": customer.id})
        first, *said = (await client.ask_many(MESSAGES, *wishes)).json()
        assert (first, [each["status"] for each in said]) == (None, [201] * others)
        waiting = asyncio.create_task(client.ask_alone(MESSAGES, wishes[0]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.2)
    assert (await waiting).status_code == 201


@pytest.fixture
async def thirteen_is_refused(installation: Installation) -> AsyncIterator[None]:
    """By the database, at the very end."""
    owner = await asyncpg.connect(installation.superuser_url("support"))
    await owner.execute("""
        CREATE FUNCTION refuse_13() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
        CREATE CONSTRAINT TRIGGER refuse_13 AFTER INSERT ON messages DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.text = 'thirteen') EXECUTE FUNCTION refuse_13();
    """)
    yield
    await owner.execute("DROP FUNCTION refuse_13 CASCADE")
    await owner.close()


async def test_where_the_database_refuses_one_none_is_said_and_each_can_be_asked_alone(
    client: Client, customer: Customer, thirteen_is_refused: None
) -> None:
    ticket = await customer.begin()
    wishes = [wish(ticket, customer.caller, words) for words in ("twelve", "thirteen", "fourteen")]
    assert (await client.ask_many(MESSAGES, *wishes)).status_code == 500
    assert [(await client.ask_alone(MESSAGES, wanted)).status_code for wanted in wishes] == [201, 500, 201]
    await assert_counts_are_right(customer)
    await assert_conversation_is_right(customer, ticket)
