"""Conversations between a customer and staff."""

import asyncio
import base64
import json
from uuid import uuid4

import httpx2 as httpx
import pytest
from sqlalchemy import text

from tests.client import Client, refusal
from tests.support.conftest import OPERATOR, Customer

LONG = 10_001

# Always the same one: what a test is called must not change from one process to another.
A_TICKET = "076f7d83-7bd7-4629-ad96-f54dd2290f67"


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


async def test_the_customer_does_not_see_which_of_the_staff_wrote(customer: Customer) -> None:
    ticket = await customer.begin("We write", OPERATOR)
    [own] = (await customer.get(f"/tickets/{ticket}"))["messages"]
    [whole] = (await customer.get(f"/tickets/{ticket}", OPERATOR))["messages"]
    assert (own["author"], own["author_login"], whole["author_login"]) == ("staff", None, "oper")


async def test_another_customers_ticket_looks_like_none(client: Client, customer: Customer) -> None:
    ticket = await customer.begin()
    stranger = Customer(client, customer.database).caller
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/messages", {"text": "x"}),
        ("POST", "/read", {}),
    ):
        foreign = await client.ask(method, f"/tickets/{ticket}{path}", body, caller=stranger)
        missing = await client.ask(method, f"/tickets/{uuid4()}{path}", body, caller=stranger)
        assert refusal(foreign) == refusal(missing) == (404, "unknown_ticket")
        assert foreign.text == missing.text
    for path in ("tickets", "ticket-counts"):
        answer = await client.ask("GET", f"/customers/{customer.id}/{path}", caller=stranger)
        assert refusal(answer) == (404, "unknown_customer")
    begun = {"subject": "Theirs", "text": "x"}
    answer = await client.ask("POST", f"/customers/{customer.id}/tickets", begun, caller=stranger)
    assert refusal(answer) == (404, "unknown_customer")
    assert await customer.counts() == (1, 0, 1)


async def test_the_shops_lists_and_closing_are_for_staff(client: Client, customer: Customer) -> None:
    ticket = await customer.begin()
    for method, path in (("GET", "/tickets"), ("GET", "/ticket-counts"), ("POST", f"/tickets/{ticket}/close")):
        assert refusal(await client.ask(method, path, caller=customer.caller)) == (403, "forbidden")


@pytest.mark.parametrize(
    "text",
    ["", "  \n\t", "\u200b\u2060", "a\x00b", "\ud800", "x" * LONG, None, 5, ["x"]],
    ids=lambda text: repr(text)[:12],
)
async def test_a_text_that_cannot_be_said_is_refused_and_not_kept(
    client: Client, customer: Customer, text: object
) -> None:
    ticket = await customer.begin()
    said = await client.ask("POST", f"/tickets/{ticket}/messages", {"text": text}, caller=customer.caller)
    assert refusal(said) == (422, "invalid_request")
    begun = {"subject": text if text != "x" * LONG else "x" * 201, "text": "x"}
    answer = await client.ask("POST", f"/customers/{customer.id}/tickets", begun, caller=customer.caller)
    assert refusal(answer) == (422, "invalid_request")
    assert await customer.counts() == (1, 0, 1)
    assert len((await customer.get(f"/tickets/{ticket}"))["messages"]) == 1


@pytest.mark.parametrize(
    "place",
    ["x", [1], ["a", "b"], ["2026-01-01", "b"], ["2026-01-01", A_TICKET], None]
    + [[f"{day}+14:00", A_TICKET] for day in ("0001-01-01T00:00:00", "never")]
    + [["9999-12-31T23:59:59-14:00", A_TICKET]],
    ids=str,
)
async def test_a_made_up_cursor_is_refused(client: Client, customer: Customer, place: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    for path in ("/tickets", f"/customers/{customer.id}/tickets"):
        assert refusal(await client.ask("GET", f"{path}?cursor={cursor}")) == (422, "bad_cursor")


@pytest.mark.parametrize("place", ["x", ["1"], [True], [1.0], [1, 1], [2**63], None, {}], ids=str)
async def test_a_made_up_cursor_of_a_conversation_is_refused(client: Client, customer: Customer, place: object) -> None:
    ticket = await customer.begin()
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    assert refusal(await client.ask("GET", f"/tickets/{ticket}?earlier={cursor}")) == (422, "bad_cursor")
    assert refusal(await client.ask("GET", f"/tickets/{ticket}?earlier=x")) == (422, "bad_cursor")


@pytest.mark.parametrize("up_to", [0, -1, True, "1", 1.0, 10**30])
async def test_what_is_no_messages_place_cannot_be_read_up_to(
    client: Client, customer: Customer, up_to: object
) -> None:
    ticket = await customer.begin()
    assert refusal(await client.ask("POST", f"/tickets/{ticket}/read", {"up_to": up_to})) == (422, "invalid_request")
    assert await customer.counts() == (1, 0, 1)


@pytest.mark.parametrize("letter", ["x", "я", "😀"])
async def test_the_longest_text_and_subject_are_kept_whole(customer: Customer, letter: str) -> None:
    longest = {"subject": letter * 200, "text": letter * (LONG - 1)}
    body = json.dumps(longest, ensure_ascii=False).encode()
    begun = await customer.client.ask("POST", f"/customers/{customer.id}/tickets", body, caller=customer.caller)
    assert begun.status_code == 201, begun.text
    kept = await customer.get(f"/tickets/{begun.json()['ticket']['id']}")
    assert (kept["ticket"]["subject"], kept["messages"][0]["text"]) == (longest["subject"], longest["text"])


async def test_markup_stays_text(customer: Customer) -> None:
    ticket = await customer.begin("<b>bold</b> & ☃ \u202e")
    assert (await customer.get(f"/tickets/{ticket}"))["messages"][0]["text"] == "<b>bold</b> & ☃ \u202e"
