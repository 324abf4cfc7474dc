"""Counts equal a recount, whatever happens at once; and every change is told, once per version."""

import asyncio
import random
from itertools import pairwise
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.contracts.support import TicketChanged, TicketCountsChanged
from shared.db import Database
from tests.client import Client, refusal
from tests.support.conftest import OPERATOR, Customer, order_number


@pytest.mark.parametrize("seed", range(4))
async def test_counts_equal_a_recount_after_anything_at_once(client: Client, support: Database, seed: int) -> None:
    dice = random.Random(seed)
    orders = {Customer(client, support).id: order_number() for _ in range(3)}
    customers = [Customer(client, support, customer_id) for customer_id in orders]
    tickets = [(customer, await customer.begin()) for customer in customers for _ in range(3)]

    async def anything() -> None:
        customer, ticket = dice.choice(tickets)
        who = dice.choice([customer.caller, OPERATOR])
        match dice.randrange(7):
            case 0:
                tickets.append((customer, await customer.begin("x", who, order_number=orders[customer.id])))
            case 1 | 2:
                await customer.say(ticket, "x", who)
            case 3:
                await customer.read(ticket, who)
            case 4:
                await customer.read(ticket, who, up_to=dice.randrange(1, 5))
            case 5:
                await customer.post(f"/tickets/{ticket}/close", None, OPERATOR)
            case 6:
                await customer.money_moved(orders[customer.id], 100)

    for _ in range(8):
        await asyncio.gather(*(anything() for _ in range(16)))

    for customer in customers:
        await assert_counts_are_right(customer)
    for customer, ticket in tickets:
        await assert_conversation_is_right(customer, ticket)
    await assert_shop_count_is_right(customers[0])


async def assert_counts_are_right(customer: Customer) -> None:
    recount = await customer.row(
        "SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE answered), count(*) FROM tickets"
        " WHERE customer_id = :id",
        id=customer.id,
    )
    assert await customer.counts() == tuple(recount)
    told = await customer.told(TicketCountsChanged, customer.id)
    assert [event.version for event in told] == list(range(1, len(told) + 1))
    figures = [(event.new, event.answered, event.total) for event in told]
    assert figures[-1] == tuple(recount)
    assert all(earlier != later for earlier, later in pairwise(figures))


async def assert_conversation_is_right(customer: Customer, ticket_id: str) -> None:
    ticket = await customer.row("SELECT * FROM tickets WHERE id = :id", id=ticket_id)
    said = await customer.row(
        "SELECT count(*) AS messages, coalesce(max(seq) FILTER (WHERE author = 'customer'), 0) AS customer_seq,"
        " coalesce(max(seq) FILTER (WHERE author = 'staff'), 0) AS staff_seq, max(seq) AS newest"
        " FROM messages WHERE ticket_id = :id",
        id=ticket_id,
    )
    assert (said.newest, said.customer_seq, said.staff_seq) == (said.messages, ticket.customer_seq, ticket.staff_seq)
    assert said.messages == ticket.messages
    told = await customer.told(TicketChanged, ticket_id)
    assert [event.version for event in told] == list(range(1, ticket.version + 1))
    last = told[-1]
    assert (last.status, last.new, last.answered) == (ticket.status, ticket.new, ticket.answered)
    # Lines that were there when the conversation began are not told one by one.
    seqs = [event.message.seq for event in told if event.message is not None]
    assert seqs == list(range(seqs[0], ticket.messages + 1))


async def assert_shop_count_is_right(customer: Customer) -> None:
    recounted = (await customer.row("SELECT count(*) FROM tickets WHERE new"))[0]
    assert (await customer.get("/ticket-counts", OPERATOR))["new"] == recounted


async def test_the_shops_count_equals_a_recount_and_is_told(customer: Customer) -> None:
    before = await customer.get("/ticket-counts", OPERATOR)
    tickets = await asyncio.gather(*(customer.begin() for _ in range(10)))
    await asyncio.gather(*(customer.read(ticket, OPERATOR) for ticket in tickets[:4]))
    await assert_shop_count_is_right(customer)
    after = await customer.get("/ticket-counts", OPERATOR)
    assert (after["new"], after["version"]) == (before["new"] + 6, before["version"] + 14)
    last = (await customer.told(TicketCountsChanged, customer.id))[-1]
    assert (last.shop_new, last.shop_version) == (after["new"], after["version"])


async def test_the_shops_count_is_told_but_not_changed_by_an_answer(customer: Customer) -> None:
    ticket = await customer.begin()
    before = await customer.get("/ticket-counts", OPERATOR)
    await customer.say(ticket, "An answer", OPERATOR)
    assert await customer.get("/ticket-counts", OPERATOR) == before
    told = (await customer.told(TicketCountsChanged, customer.id))[-1]
    assert (told.answered, told.shop_new, told.shop_version) == (1, before["new"], before["version"])


async def test_what_changes_nothing_is_not_told(customer: Customer) -> None:
    ticket = await customer.begin()
    for _ in range(2):
        await customer.read(ticket, OPERATOR)
        await customer.post(f"/tickets/{ticket}/close", None, OPERATOR)
    await customer.read(ticket)
    assert len(await customer.told(TicketChanged, ticket)) == 3
    await customer.say(ticket)
    await customer.say(ticket)
    assert len(await customer.told(TicketChanged, ticket)) == 5
    assert len(await customer.told(TicketCountsChanged, customer.id)) == 3


async def why_refused(customer: Customer, statement: str, **values: object) -> str:
    """The constraint that refuses the statement, or the reason in PostgreSQL's words."""
    with pytest.raises(DBAPIError) as refused:
        async with customer.database.transaction() as session:
            await session.execute(text(statement), values)
    error = refused.value.orig.__cause__  # type: ignore[union-attr]
    assert isinstance(error, asyncpg.PostgresError)
    return error.constraint_name or error.message or ""


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE messages SET text = 'other'", "permission denied for table messages"),
        ("DELETE FROM messages", "permission denied for table messages"),
        ("TRUNCATE messages", "permission denied for table messages"),
        ("DELETE FROM tickets", "permission denied for table tickets"),
        ("UPDATE operations SET amount_minor = 1", "permission denied for table operations"),
        ("DELETE FROM operations", "permission denied for table operations"),
        ("DELETE FROM counts", "permission denied for table counts"),
        ("DELETE FROM shop_count", "permission denied for table shop_count"),
        ("INSERT INTO shop_count (single) VALUES (false)", "permission denied for table shop_count"),
        ("UPDATE counts SET new = -1", "ck_counts_possible"),
        ("UPDATE counts SET new = total + 1", "ck_counts_possible"),
        ("UPDATE counts SET answered = -1", "ck_counts_possible"),
        ("UPDATE counts SET total = -1", "ck_counts_possible"),
        ("UPDATE shop_count SET new = -1", "ck_shop_count_new_possible"),
        ("UPDATE tickets SET read_by_staff_seq = messages + 1", "ck_tickets_nothing_beyond_the_last_message"),
        ("UPDATE tickets SET customer_seq = -1", "ck_tickets_nothing_beyond_the_last_message"),
        ("UPDATE tickets SET messages = 0", "ck_tickets_nothing_beyond_the_last_message"),
        ("UPDATE tickets SET status = 'ajar'", "ck_tickets_status_known"),
        ("UPDATE tickets SET subject = ' '", "ck_tickets_has_a_subject"),
        ("UPDATE tickets SET new = true", 'column "new" can only be updated to DEFAULT'),
    ],
)
async def test_the_database_refuses(customer: Customer, statement: str, why: str) -> None:
    await customer.begin()
    assert await why_refused(customer, statement) == why


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"seq": 1}, "pk_messages"),
        ({"seq": 0}, "ck_messages_counted_from_one"),
        ({"words": " \n\t"}, "ck_messages_says_something"),
        ({"author": "nobody"}, "ck_messages_author_known"),
        ({"author": "system", "login": None}, "ck_messages_system_tells_of_money"),
        ({"login": None}, "ck_messages_people_have_logins"),
        ({"ticket": UUID(int=1)}, "fk_messages_ticket_id"),
    ],
    ids=str,
)
async def test_the_database_refuses_a_message_with(customer: Customer, wrong: dict[str, object], why: str) -> None:
    right = {"ticket": await customer.begin(), "seq": 2, "id": uuid4(), "author": "customer", "login": "c"}
    insert = (
        "INSERT INTO messages (ticket_id, seq, id, author, author_login, text, at)"
        " VALUES (:ticket, :seq, :id, :author, :login, :words, now())"
    )
    assert await why_refused(customer, insert, **{**right, "words": "Hello", **wrong}) == why
    async with customer.database.transaction() as session:
        await session.execute(text(insert), {**right, "words": "Hello"})
        # It would be one that its ticket does not count.
        await session.rollback()


async def test_the_counts_of_each_of_many_customers_are_those_that_they_are_shown_themselves(
    client: Client, customer: Customer, support: Database
) -> None:
    await customer.begin()
    other = Customer(client, support)
    both = f"customer_id={customer.id}&customer_id={other.id}"
    answer = await client.ask("GET", f"/ticket-counts/of-customers?{both}", caller=OPERATOR)
    own = [await each.get(f"/customers/{each.id}/ticket-counts") for each in (customer, other)]
    assert answer.json() == own
    assert [each["total"] for each in own] == [1, 0]
    refused = await client.ask("GET", f"/ticket-counts/of-customers?{both}", caller=customer.caller)
    assert refusal(refused) == (403, "forbidden")
