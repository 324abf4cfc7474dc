"""Money that moved for an order is a line of its conversations."""

import asyncio
from itertools import count
from uuid import uuid4

import pytest

from tests.support.conftest import OPERATOR, Customer

_numbers = count(uuid4().int % 10**9)


def order_number() -> str:
    return f"ORD-{next(_numbers):010d}"


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


async def test_what_is_told_twice_is_one_line(customer: Customer) -> None:
    number, transfer_id = order_number(), uuid4()
    ticket = await customer.begin("Hi", order_number=number)
    await asyncio.gather(*(customer.money_moved(number, 5, transfer_id=transfer_id) for _ in range(5)))
    assert len((await customer.get(f"/tickets/{ticket}"))["messages"]) == 2


async def test_a_conversation_begun_later_starts_with_what_had_moved(customer: Customer) -> None:
    number = order_number()
    await customer.money_moved(number, 100)
    await customer.money_moved(number, 40, kind="refunded")
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


async def test_an_order_without_a_conversation_makes_none(customer: Customer) -> None:
    await customer.money_moved(order_number(), 100)
    assert await customer.counts() == (0, 0, 0)
