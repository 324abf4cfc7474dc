"""Who may see and say what in a conversation, and which words and places are none."""

import base64
import json
from uuid import uuid4

import pytest

from tests.client import Client, refusal
from tests.support.conftest import OPERATOR, Customer

LONG = 10_001

# Always the same one: what a test is called must not change from one process to another.
A_TICKET = "076f7d83-7bd7-4629-ad96-f54dd2290f67"


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
