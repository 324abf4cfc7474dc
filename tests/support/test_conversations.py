"""Conversations between a customer and staff."""

import asyncio
from uuid import uuid4

import httpx2 as httpx
from sqlalchemy import text

from tests.client import refusal
from tests.support.conftest import OPERATOR, Customer


async def test_a_customers_ticket_is_new_until_staff_have_read_it(customer: Customer) -> None:
    ticket = await customer.begin("Where is it?")
    assert await customer.counts() == (1, 0, 1)
    assert (await customer.read(ticket, OPERATOR))["new"] is False
    assert await customer.counts() == (0, 0, 1)


async def test_an_answer_is_answered_until_the_customer_has_read_it_and_does_not_count_as_reading(
    customer: Customer,
) -> None:
    ticket = await customer.begin()
    await customer.say(ticket, "Here it is", OPERATOR)
    assert await customer.counts() == (1, 1, 1)
    await customer.read(ticket)
    assert await customer.counts() == (1, 0, 1)


async def test_staff_begin_a_conversation_that_is_not_new(customer: Customer) -> None:
    ticket = await customer.begin("Good news", OPERATOR)
    assert await customer.counts() == (0, 1, 1)
    await customer.say(ticket)
    assert await customer.counts() == (1, 1, 1)


async def test_what_came_after_the_last_message_seen_stays_unread(customer: Customer) -> None:
    ticket = await customer.begin("first")
    await customer.say(ticket, "second")
    assert (await customer.read(ticket, OPERATOR, up_to=1))["new"] is True
    assert (await customer.read(ticket, OPERATOR, up_to=2))["new"] is False
    assert (await customer.read(ticket, OPERATOR, up_to=1))["new"] is False
    await customer.say(ticket, "third")
    assert (await customer.read(ticket, OPERATOR, up_to=999))["new"] is False


async def test_a_closed_conversation_is_opened_by_a_message(customer: Customer) -> None:
    ticket = await customer.begin()
    closed = await customer.post(f"/tickets/{ticket}/close", None, OPERATOR)
    again = await customer.post(f"/tickets/{ticket}/close", None, OPERATOR)
    assert (closed["status"], again["version"]) == ("closed", closed["version"])
    await customer.say(ticket)
    assert (await customer.get(f"/tickets/{ticket}"))["ticket"]["status"] == "open"


async def test_a_long_conversation_comes_in_parts_newest_last(customer: Customer) -> None:
    ticket = await customer.begin("1")
    for number in range(2, 232):
        await customer.say(ticket, str(number))
    parts: list[list[int]] = []
    cursor = ""
    while True:
        part = await customer.get(f"/tickets/{ticket}{cursor}")
        parts.insert(0, [int(message["text"]) for message in part["messages"]])
        if part["earlier"] is None:
            break
        cursor = f"?earlier={part['earlier']}"
    assert [len(part) for part in parts] == [31, 100, 100]
    assert [number for part in parts for number in part] == list(range(1, 232))


async def test_tickets_are_listed_by_their_last_change_in_parts(customer: Customer) -> None:
    tickets = [await customer.begin(str(number)) for number in range(5)]
    await customer.say(tickets[0])
    seen, cursor = [], ""
    while True:
        part = await customer.get(f"/customers/{customer.id}/tickets?limit=2{cursor}")
        seen += [row["id"] for row in part["items"]]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert seen == [tickets[0], *tickets[:0:-1]]


async def test_tickets_that_changed_at_one_moment_are_each_listed_once(customer: Customer) -> None:
    tickets = {await customer.begin() for _ in range(5)}
    async with customer.database.transaction() as session:
        await session.execute(
            text("UPDATE tickets SET changed_at = now() WHERE customer_id = :id"), {"id": customer.id}
        )
    seen, cursor = [], ""
    for _ in range(3):
        part = await customer.get(f"/customers/{customer.id}/tickets?limit=2{cursor}")
        seen += [row["id"] for row in part["items"]]
        cursor = f"&cursor={part['next']}"
    assert part["next"] is None
    assert sorted(seen) == sorted(tickets)


async def test_staff_list_new_tickets_of_the_whole_shop(customer: Customer) -> None:
    new, read = await customer.begin(), await customer.begin()
    await customer.read(read, OPERATOR)
    shown = [row["id"] for row in (await customer.get("/tickets?new=true&limit=100", OPERATOR))["items"]]
    assert new in shown
    assert read not in shown
    others = [row["id"] for row in (await customer.get("/tickets?new=false&limit=100", OPERATOR))["items"]]
    assert read in others


async def test_a_message_sent_eight_times_at_once_is_said_once(customer: Customer) -> None:
    ticket, key = await customer.begin(), str(uuid4())
    path, body = f"/tickets/{ticket}/messages", {"text": "Once"}
    answers = await asyncio.gather(
        *(customer.client.ask("POST", path, body, caller=customer.caller, key=key) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await customer.get(f"/tickets/{ticket}"))["messages"]) == 2


async def test_a_conversation_begun_eight_times_at_once_with_one_key_is_one(customer: Customer) -> None:
    path, key = f"/customers/{customer.id}/tickets", str(uuid4())
    body = {"subject": "Once", "text": "Once"}
    answers = await asyncio.gather(
        *(customer.client.ask("POST", path, body, caller=customer.caller, key=key) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await customer.counts() == (1, 0, 1)


async def test_a_key_is_not_for_another_text_and_a_refusal_frees_it(customer: Customer) -> None:
    path, key = f"/tickets/{await customer.begin()}/messages", str(uuid4())

    async def say(words: str) -> httpx.Response:
        return await customer.client.ask("POST", path, {"text": words}, caller=customer.caller, key=key)

    assert refusal(await say(" ")) == (422, "invalid_request")
    assert (await say("This")).status_code == 201
    assert refusal(await say("That")) == (422, "idempotency_key_reused")


async def test_a_message_that_comes_while_staff_read_is_read_only_if_they_saw_it(customer: Customer) -> None:
    for _ in range(20):
        ticket = await customer.begin()
        seen, _ = await asyncio.gather(customer.read(ticket, OPERATOR), customer.say(ticket))
        [row] = (await customer.get(f"/customers/{customer.id}/tickets?limit=1"))["items"]
        assert (row["id"], row["messages"], row["new"]) == (ticket, 2, seen["messages"] == 1)
        await asyncio.gather(customer.read(ticket, OPERATOR, up_to=2), customer.say(ticket))
        assert (await customer.get(f"/tickets/{ticket}"))["ticket"]["new"] is True


async def test_messages_said_at_once_each_have_their_place(customer: Customer) -> None:
    ticket = await customer.begin()
    said = await asyncio.gather(
        *(customer.say(ticket, str(number), OPERATOR if number % 2 else None) for number in range(30))
    )
    assert sorted(message["seq"] for message in said) == list(range(2, 32))
    shown = (await customer.get(f"/tickets/{ticket}", OPERATOR))["messages"][1:]
    assert shown == sorted(said, key=lambda message: int(message["seq"]))
