"""Money that moved for an order is a line of its conversations."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from services.support import queries
from services.support.commands import note_operations as note_operations_module
from services.support.commands.begin_ticket import begin_ticket
from shared.contracts.http.support import Author, BeginTicket
from shared.contracts.support import TicketChanged, TicketCountsChanged
from tests.client import Client
from tests.eventually import eventually
from tests.support.conftest import OPERATOR, Customer, order_number


@pytest.mark.parametrize(
    ("amount_minor", "currency", "words"),
    [
        (1_230, "USD", "Paid 12.30 USD from the balance"),
        (5, "USD", "Paid 0.05 USD from the balance"),
        (1_230, "JPY", "Paid 1230 JPY from the balance"),
        (1_230, "KWD", "Paid 1.230 KWD from the balance"),
        (10**12, "USD", "Paid 10000000000.00 USD from the balance"),
    ],
)
async def test_a_payment_is_told_exactly(customer: Customer, amount_minor: int, currency: str, words: str) -> None:
    number = order_number()
    ticket = await customer.begin("Hi", order_number=number)
    await customer.read(ticket, OPERATOR)
    await customer.money_moved(number, amount_minor, currency)
    line = (await customer.get(f"/tickets/{ticket}"))["messages"][-1]
    assert (line["author"], line["author_login"], line["text"]) == ("system", None, words)
    assert (line["operation"]["kind"], line["operation"]["amount_minor"]) == ("paid", amount_minor)
    assert await customer.counts() == (0, 0, 1)


async def test_a_line_is_told_counts_nothing_and_opens_nothing(customer: Customer) -> None:
    number = order_number()
    ticket = await customer.begin("Hi", order_number=number)
    await customer.post(f"/tickets/{ticket}/close", None, OPERATOR)
    await customer.money_moved(number, 1_230, back=True)
    begun, _, line = await customer.told(TicketChanged, ticket)
    assert line.message is not None
    assert line.message.operation is not None
    assert (line.message.author, line.message.seq) == (Author.SYSTEM, 2)
    assert (line.message.text, line.message.operation.kind) == ("Returned 12.30 USD to the balance", "refunded")
    assert (line.status, line.new, line.answered) == ("closed", begun.new, begun.answered)
    assert len(await customer.told(TicketCountsChanged, customer.id)) == 1
    assert await customer.counts() == (1, 0, 1)


async def test_what_is_told_twice_is_one_line(customer: Customer) -> None:
    number, transfer_id = order_number(), uuid4()
    ticket = await customer.begin("Hi", order_number=number)
    await asyncio.gather(*(customer.money_moved(number, 5, transfer_id=transfer_id) for _ in range(5)))
    assert len((await customer.get(f"/tickets/{ticket}"))["messages"]) == 2


async def test_a_conversation_begun_later_starts_with_what_had_moved(customer: Customer) -> None:
    number = order_number()
    await customer.money_moved(number, 100)
    await customer.money_moved(number, 40, back=True)
    ticket = await customer.begin("Thanks", order_number=number)
    messages = (await customer.get(f"/tickets/{ticket}"))["messages"]
    assert [message["text"] for message in messages] == [
        "Paid 1.00 USD from the balance",
        "Returned 0.40 USD to the balance",
        "Thanks",
    ]
    assert [message["seq"] for message in messages] == [1, 2, 3]


async def test_money_and_a_ticket_that_come_at_one_moment_do_not_miss_each_other(customer: Customer) -> None:
    for _ in range(20):
        number = order_number()
        ticket, _ = await asyncio.gather(customer.begin("Hi", order_number=number), customer.money_moved(number, 100))
        authors = sorted(message["author"] for message in (await customer.get(f"/tickets/{ticket}"))["messages"])
        assert authors == ["customer", "system"]


async def test_money_that_is_heard_of_while_a_conversation_begins_is_a_line_of_it(customer: Customer) -> None:
    number = order_number()
    moved = customer.money(number, 100)
    async with customer.database.transaction() as session:
        await queries.lock_conversations_about(session, number)
        hearing = asyncio.create_task(customer.hear(moved))
        await eventually(lambda: _is_waited_for(customer), "it waits for the conversation that begins")
        ticket, _ = await begin_ticket(session, customer.caller, customer.id, BeginTicket(subject="Hi", text="Hi"))
        ticket.order_number = number
    await hearing
    messages = (await customer.get(f"/tickets/{ticket.id}"))["messages"]
    assert [message["author"] for message in messages] == ["customer", "system"]


async def _is_waited_for(customer: Customer) -> bool:
    """Somebody else's conversation, about to begin."""
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 2)"
    [there] = await customer.row(waiting)
    return bool(there)


async def test_what_broke_off_half_done_is_done_when_it_is_told_again(customer: Customer) -> None:
    number = order_number()
    ticket = await customer.begin("Hi", order_number=number)
    moved = customer.money(number, 100)
    assert await customer.hear_at_once(moved) == {}
    assert [await customer.hear(moved), await customer.hear(moved)] == [True, False]
    assert len((await customer.get(f"/tickets/{ticket}"))["messages"]) == 2


async def test_a_conversation_begun_between_both_halves_has_the_line_once(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = order_number()
    moved, tickets = customer.money(number, 100), list[str]()
    remember = note_operations_module._remember

    async def remember_and_begin(*of: Any) -> None:
        await remember(*of)
        if not tickets:
            tickets.append(await customer.begin("Hi", order_number=number))

    monkeypatch.setattr(note_operations_module, "_remember", remember_and_begin)
    assert await customer.hear(moved)
    messages = (await customer.get(f"/tickets/{tickets[0]}"))["messages"]
    assert [message["author"] for message in messages] == ["system", "customer"]


async def test_what_is_told_again_of_an_order_without_a_conversation_is_not_new(customer: Customer) -> None:
    moved = customer.money(order_number(), 100)
    assert [await customer.hear_at_once(moved) for _ in range(2)] == [{moved[0]: True}, {moved[0]: False}]


async def test_an_order_without_a_conversation_makes_none(customer: Customer) -> None:
    await customer.money_moved(order_number(), 100)
    assert await customer.counts() == (0, 0, 0)


async def test_every_conversation_about_the_order_has_the_line(customer: Customer) -> None:
    number = order_number()
    tickets = [await customer.begin("Hi", order_number=number) for _ in range(3)]
    await asyncio.gather(*(customer.money_moved(number, amount) for amount in range(1, 9)))
    for ticket in tickets:
        lines = (await customer.get(f"/tickets/{ticket}"))["messages"][1:]
        assert sorted(line["operation"]["amount_minor"] for line in lines) == list(range(1, 9))


async def test_money_that_moved_very_often_does_not_make_a_new_conversation_long(customer: Customer) -> None:
    number = order_number()
    for amount in range(1, 151):
        await customer.money_moved(number, amount)
    path, key = f"/customers/{customer.id}/tickets", str(uuid4())
    body = {"subject": "Often", "text": "Why so often?", "order_number": number}
    begun = await customer.client.ask("POST", path, body, caller=customer.caller, key=key)
    newest = begun.json()
    assert [message["seq"] for message in newest["messages"]] == list(range(52, 152))
    assert newest["messages"][-1]["text"] == "Why so often?"
    before = await customer.get(f"/tickets/{newest['ticket']['id']}?earlier={newest['earlier']}")
    assert [message["operation"]["amount_minor"] for message in before["messages"]] == list(range(1, 52))
    assert (await customer.client.ask("POST", path, body, caller=customer.caller, key=key)).text == begun.text


async def test_money_of_another_customers_order_is_never_a_line(client: Client, customer: Customer) -> None:
    """The gateway refuses such a ticket; should one come to be, it tells nothing."""
    stranger, number = Customer(client, customer.database), order_number()
    await customer.money_moved(number, 100)
    ticket = await stranger.begin("Whose is it?", order_number=number)
    await customer.money_moved(number, 40, back=True)
    assert [message["author"] for message in (await stranger.get(f"/tickets/{ticket}"))["messages"]] == ["customer"]
