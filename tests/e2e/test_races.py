"""When things cross: every line of the table in ARCHITECTURE.md, raced for real, judged by both databases."""

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.people import Person
from tests.system import System

ROUNDS = 12


def kept_minor(truth: dict[str, Any]) -> int:
    """What the shop has kept for the order, by its transfers."""
    return sum(amount if kind == "payment" else -amount for kind, amount, _ in truth["transfers"])


async def judge(purser: System, customer: Person, number: str, deposited_minor: int) -> dict[str, Any]:
    """No money made or lost, nothing kept beyond the total, and both services of one mind."""
    truth = await purser.settled(number)
    page = truth["page"]
    balance = (await customer.get("/balance"))["balance_minor"]
    assert balance + kept_minor(truth) == deposited_minor
    assert kept_minor(truth) == truth["invoice"]["paid_minor"] == page["paid_minor"] <= page["total_minor"]
    if page["status"] == "paid":
        assert page["paid_minor"] == page["total_minor"]
        assert "awaiting_payment" not in truth["items"].values()
    return truth


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_clicked_eight_times_at_once_with_one_key_pays_once(purser: System, round_: int) -> None:
    customer = await purser.new_customer(5_000)
    number = await purser.new_order(customer, 900)
    key = str(uuid4())
    answers = await asyncio.gather(
        *(customer.ask("POST", f"/orders/{number}/payments", {"expected_remaining_minor": 900}, key) for _ in range(8))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 8}
    assert len({answer.text for answer in answers}) == 1
    truth = await judge(purser, customer, number, 5_000)
    assert truth["transfers"] == [("payment", 900, None)]
    told = await purser.rows(
        "billing", "SELECT 1 FROM outbox_archive WHERE subject = :n AND routing_key = 'billing.order_paid.v1'", n=number
    )
    assert len(told) == 1


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_two_admins_and_the_customer_who_pay_at_once_pay_once(purser: System, round_: int) -> None:
    customer = await purser.new_customer(5_000)
    number = await purser.new_order(customer, 900)
    answers = await asyncio.gather(
        *(
            person.ask("POST", f"/orders/{number}/payments", {})
            for person in (purser.admin, purser.people["financier"], customer)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert {answer.json().get("code") for answer in answers if answer.status_code == 409} == {"nothing_to_pay"}
    truth = await judge(purser, customer, number, 5_000)
    assert truth["transfers"] == [("payment", 900, None)]


async def _at_a_random_moment(work: Any) -> Any:
    await asyncio.sleep(random.uniform(0, 0.03))
    return await work


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("price_minor", [600, 1_500], ids=["cheaper", "dearer"])
async def test_amended_while_being_paid(purser: System, price_minor: int, round_: int) -> None:
    customer = await purser.new_customer(5_000)
    number = await purser.new_order(customer, 1_000, 200)
    agreed = {"unit_price_minor": price_minor, "status": "awaiting_payment"}
    paid, amended = await asyncio.gather(
        _at_a_random_moment(customer.ask("POST", f"/orders/{number}/payments", {"expected_remaining_minor": 1_200})),
        _at_a_random_moment(purser.admin.ask("PATCH", f"/orders/{number}/items/1", agreed)),
    )
    assert amended.status_code == 200 or _too_late_to_agree(amended), amended.text
    truth = await judge(purser, customer, number, 5_000)
    total_minor = price_minor + 200 if amended.status_code == 200 else 1_200
    assert truth["page"]["total_minor"] == total_minor
    if paid.status_code == 409:
        assert paid.json()["code"] == "amount_changed"
        assert (truth["page"]["status"], truth["transfers"]) == ("awaiting_payment", [])
    elif total_minor > 1_200:
        assert truth["page"]["status"] == "awaiting_additional_payment"
        assert truth["page"]["remaining_minor"] == total_minor - 1_200
    else:
        assert truth["page"]["status"] == "paid"
        assert kept_minor(truth) == total_minor


def _too_late_to_agree(amended: httpx.Response) -> bool:
    """An item that was paid a moment before cannot be told to await payment."""
    return amended.status_code == 409


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_cancelled_while_being_paid(purser: System, round_: int) -> None:
    customer = await purser.new_customer(5_000)
    number = await purser.new_order(customer, 1_000)
    paid, cancelled = await asyncio.gather(
        _at_a_random_moment(customer.ask("POST", f"/orders/{number}/payments", {})),
        _at_a_random_moment(purser.admin.ask("POST", f"/orders/{number}/cancellation", {})),
    )
    assert cancelled.status_code == 200, cancelled.text
    truth = await judge(purser, customer, number, 5_000)
    assert truth["page"]["status"] == "cancelled"
    assert set(truth["items"].values()) == {"cancelled"}
    assert kept_minor(truth) == 0
    expected = [("payment", 1_000, None), ("refund", 1_000, None)] if paid.status_code == 201 else []
    assert truth["transfers"] == expected


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_an_item_that_dies_before_paid_arrives_returns_its_share(purser: System, round_: int) -> None:
    customer = await purser.new_customer(5_000)
    number = await purser.new_order(customer, 1_000, 333)
    paid, died = await asyncio.gather(
        _at_a_random_moment(customer.ask("POST", f"/orders/{number}/payments", {})),
        _at_a_random_moment(purser.admin.ask("PATCH", f"/orders/{number}/items/2", {"status": "cancelled"})),
    )
    assert (paid.status_code, died.status_code) == (201, 200), (paid.text, died.text)
    truth = await judge(purser, customer, number, 5_000)
    assert truth["items"] == {1: "paid", 2: "cancelled"}
    assert (truth["page"]["status"], kept_minor(truth)) == ("paid", 1_000)
    assert truth["transfers"] in ([("payment", 1_000, None)], [("payment", 1_333, None), ("refund", 333, 2)])


async def test_sixteen_at_once_on_one_balance_never_overdraw_it(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    numbers = [await purser.new_order(customer, 300) for _ in range(8)]
    answers = await asyncio.gather(
        *(customer.ask("POST", f"/orders/{number}/payments", {"amount_minor": 300}) for number in numbers),
        *(
            purser.admin.ask("POST", f"/customers/{customer.id}/withdrawals", {"amount_minor": 300, "currency": "USD"})
            for _ in range(8)
        ),
    )
    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 13}
    assert (await customer.get("/balance"))["balance_minor"] == 100
