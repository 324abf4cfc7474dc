"""Paying for an order from the balance."""

import asyncio

import pytest

from services.billing.errors import AmountChanged, CurrencyMismatch, InsufficientFunds, NothingToPay, UnknownInvoice
from shared.contracts.orders import OrderStatus
from shared.errors import Forbidden
from tests.billing.conftest import OPERATOR, Customer


async def test_a_payment_takes_what_remains_from_the_balance(customer: Customer) -> None:
    await customer.deposit(10_000)
    number = await customer.hear(customer.order(7_550))

    payment = await customer.pay(number, expected_remaining_minor=7_550)

    assert (payment.paid_minor, payment.remaining_minor, payment.order_status) == (7_550, 0, OrderStatus.PAID)
    assert await customer.figures(number) == {
        "total_minor": 7_550,
        "paid_minor": 7_550,
        "order_version": 1,
        "cancelled": False,
        "balance_minor": 2_450,
        "transfers": [("payment", 7_550, 1, None)],
    }


async def test_a_customer_pays_for_an_own_order(customer: Customer) -> None:
    await customer.deposit(100)
    number = await customer.hear(customer.order(100))
    assert (await customer.pay(number, customer.caller)).remaining_minor == 0


async def test_a_payment_in_part_leaves_the_order_awaiting_payment(customer: Customer) -> None:
    await customer.deposit(1_000)
    number = await customer.hear(customer.order(900))
    payment = await customer.pay(number, amount_minor=400)
    assert (payment.paid_minor, payment.remaining_minor) == (400, 500)
    assert payment.order_status is OrderStatus.AWAITING_PAYMENT


async def test_with_less_available_than_remains_all_that_is_available_is_paid(customer: Customer) -> None:
    await customer.deposit(300)
    number = await customer.hear(customer.order(900))
    payment = await customer.pay(number)
    assert (payment.paid_minor, payment.remaining_minor) == (300, 600)


async def test_nothing_available_is_refused_with_the_figures(customer: Customer) -> None:
    number = await customer.hear(customer.order(900))
    with pytest.raises(InsufficientFunds) as refusal:
        await customer.pay(number)
    assert refusal.value.facts == {"available_minor": 0, "remaining_minor": 900, "currency": "USD"}


async def test_more_than_is_available_is_refused_not_cut(customer: Customer) -> None:
    await customer.deposit(300)
    number = await customer.hear(customer.order(900))
    with pytest.raises(InsufficientFunds):
        await customer.pay(number, amount_minor=301)
    assert (await customer.figures(number))["balance_minor"] == 300


async def test_a_paid_order_has_nothing_to_pay(customer: Customer) -> None:
    await customer.deposit(2_000)
    number = await customer.hear(customer.order(900))
    await customer.pay(number)
    with pytest.raises(NothingToPay):
        await customer.pay(number)


async def test_a_cancelled_order_has_nothing_to_pay(customer: Customer) -> None:
    await customer.deposit(2_000)
    placed = customer.order(900)
    number = await customer.hear(placed, customer.order(0, 2, placed.order_number, cancelled=True))
    with pytest.raises(NothingToPay, match="cancelled"):
        await customer.pay(number)


async def test_an_amount_the_payer_did_not_see_is_refused_with_the_new_one(customer: Customer) -> None:
    await customer.deposit(2_000)
    placed = customer.order(900)
    number = await customer.hear(placed, customer.order(1_100, 2, placed.order_number))
    with pytest.raises(AmountChanged) as refusal:
        await customer.pay(number, expected_remaining_minor=900)
    assert refusal.value.facts["remaining_minor"] == 1_100


async def test_an_order_in_other_money_than_the_balance_is_refused_and_can_be_seen(customer: Customer) -> None:
    await customer.deposit(2_000)
    number = await customer.hear(customer.order(900, currency="EUR"))
    with pytest.raises(CurrencyMismatch, match="USD, not EUR"):
        await customer.pay(number)
    assert (await customer.figures(number))["balance_minor"] == 2_000


async def test_more_than_remains_is_refused(customer: Customer) -> None:
    await customer.deposit(2_000)
    number = await customer.hear(customer.order(900))
    with pytest.raises(AmountChanged):
        await customer.pay(number, amount_minor=901)


async def test_an_operator_may_not_pay(customer: Customer) -> None:
    await customer.deposit(900)
    number = await customer.hear(customer.order(900))
    with pytest.raises(Forbidden):
        await customer.pay(number, OPERATOR)


async def test_another_customers_order_looks_like_none(customer: Customer, billing: object) -> None:
    number = await customer.hear(customer.order(900))
    stranger = Customer(customer.database)
    with pytest.raises(UnknownInvoice) as foreign:
        await stranger.pay(number, stranger.caller)
    with pytest.raises(UnknownInvoice) as missing:
        await stranger.pay("ORD-9999999999", stranger.caller)
    assert foreign.value.sentence.replace(number, "") == missing.value.sentence.replace("ORD-9999999999", "")


@pytest.mark.parametrize("round_", range(10))
async def test_of_three_who_pay_one_order_at_once_one_pays(customer: Customer, round_: int) -> None:
    await customer.deposit(3_000)
    number = await customer.hear(customer.order(1_000))
    results = await asyncio.gather(
        *(customer.pay(number, caller) for caller in (customer.caller, customer.caller)),
        customer.pay(number, expected_remaining_minor=1_000),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) in (
        ["NothingToPay", "NothingToPay", "PaymentView"],
        ["AmountChanged", "NothingToPay", "PaymentView"],
    )
    assert (await customer.figures(number))["transfers"] == [("payment", 1_000, 1, None)]
