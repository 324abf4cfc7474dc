"""Counts equal a recount, whatever happens at once; and every change is told, once per version."""

import asyncio
import random
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db import Database
from tests.client import Client
from tests.support.conftest import OPERATOR, Customer


@pytest.mark.parametrize("seed", range(4))
async def test_counts_equal_a_recount_after_anything_at_once(client: Client, support: Database, seed: int) -> None:
    dice = random.Random(seed)
    customers = [Customer(client, support) for _ in range(3)]
    tickets = [(customer, await customer.begin()) for customer in customers for _ in range(3)]

    async def anything() -> None:
        customer, ticket = dice.choice(tickets)
        who = dice.choice([customer.caller, OPERATOR])
        match dice.randrange(5):
            case 0:
                tickets.append((customer, await customer.begin("x", who)))
            case 1 | 2:
                await customer.say(ticket, "x", who)
            case 3:
                await customer.read(ticket, who)
            case 4:
                await customer.post(f"/tickets/{ticket}/close", None, OPERATOR)

    for _ in range(6):
        await asyncio.gather(*(anything() for _ in range(16)))

    for customer in customers:
        async with support.transaction() as session:
            recount = await session.execute(
                text(
                    "SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE answered), count(*) FROM tickets"
                    " WHERE customer_id = :id"
                ),
                {"id": customer.id},
            )
        assert await customer.counts() == tuple(recount.one())
        told = await customer.versions_told(customer.id)
        assert told == list(range(1, len(told) + 1))
    for customer, ticket in tickets:
        told = await customer.versions_told(ticket)
        assert told == list(range(1, len(told) + 1))


async def test_the_shops_count_equals_a_recount(customer: Customer) -> None:
    await asyncio.gather(*(customer.begin() for _ in range(10)))
    async with customer.database.transaction() as session:
        counted = await session.scalar(text("SELECT new FROM shop_count"))
        recounted = await session.scalar(text("SELECT count(*) FROM tickets WHERE new"))
    assert counted == recounted
    assert (await customer.get("/ticket-counts", OPERATOR))["new"] == counted


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messages SET text = 'other'",
        "DELETE FROM messages",
        "DELETE FROM tickets",
        "UPDATE counts SET new = -1",
        "UPDATE counts SET new = total + 1",
        "INSERT INTO shop_count (single) VALUES (false)",
        "UPDATE tickets SET read_by_staff_seq = messages + 1",
        "UPDATE tickets SET new = true",
    ],
)
async def test_the_database_refuses(customer: Customer, statement: str) -> None:
    await customer.begin()
    with pytest.raises(DBAPIError):
        async with customer.database.transaction() as session:
            await session.execute(text(statement))


async def test_a_message_keeps_its_place(customer: Customer) -> None:
    ticket = await customer.begin()
    again = "INSERT INTO messages (ticket_id, seq, id, author, author_login, text, at) VALUES"
    for seq, words in ((1, "twice"), (2, "  ")):
        with pytest.raises(DBAPIError):
            async with customer.database.transaction() as session:
                await session.execute(
                    text(f"{again} (:ticket, :seq, :id, 'customer', 'c', :words, now())"),
                    {"ticket": ticket, "seq": seq, "id": uuid4(), "words": words},
                )
