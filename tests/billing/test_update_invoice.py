"""Orders' facts, in whatever order they arrive: the same end, and the same money."""

from itertools import permutations

import pytest

from tests.billing.conftest import Customer


async def test_what_is_paid_beyond_a_lowered_total_returns_naming_order_version_and_item(customer: Customer) -> None:
    await customer.deposit(1_000)
    placed = customer.order(1_000)
    number = await customer.hear(placed)
    await customer.pay(number)

    await customer.hear(customer.order(700, 3, number))

    figures = await customer.figures(number)
    assert figures["transfers"] == [("payment", 1_000, 1, None), ("refund", 300, 3, 2)]
    assert (figures["paid_minor"], figures["total_minor"], figures["balance_minor"]) == (700, 700, 300)


async def test_a_cancelled_order_returns_everything(customer: Customer) -> None:
    await customer.deposit(1_000)
    number = await customer.hear(customer.order(1_000))
    await customer.pay(number, amount_minor=600)

    await customer.hear(customer.order(0, 2, number, cancelled=True))

    figures = await customer.figures(number)
    assert figures["transfers"] == [("payment", 600, 1, None), ("refund", 600, 2, None)]
    assert (figures["paid_minor"], figures["balance_minor"], figures["cancelled"]) == (0, 1_000, True)


async def test_a_raised_total_keeps_what_was_paid_and_leaves_the_rest_to_pay(customer: Customer) -> None:
    await customer.deposit(1_500)
    number = await customer.hear(customer.order(1_000))
    await customer.pay(number)
    await customer.hear(customer.order(1_200, 2, number))
    payment = await customer.pay(number, expected_remaining_minor=200)
    assert (payment.paid_minor, payment.remaining_minor) == (1_200, 0)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_facts_in_any_order_and_twice_end_the_same(customer: Customer, order: tuple[int, ...]) -> None:
    placed = customer.order(1_000)
    number = placed.order_number
    facts = [placed, *(customer.order(total, version, number) for version, total in ((2, 1_300), (3, 800), (4, 900)))]

    for index in order:
        await customer.hear(facts[index], facts[index])

    figures = await customer.figures(number)
    assert (figures["total_minor"], figures["order_version"], figures["cancelled"]) == (900, 4, False)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_whenever_the_payment_falls_between_amendments_no_more_than_the_total_is_kept(
    customer: Customer, order: tuple[int, ...]
) -> None:
    await customer.deposit(5_000)
    number = await customer.hear(customer.order(1_000))
    later = [customer.order(1_400, 2, number), customer.order(600, 3, number)]

    for index in order:
        if index == 2:
            await customer.pay(number)
        else:
            await customer.hear(later[index])

    figures = await customer.figures(number)
    assert (figures["total_minor"], figures["paid_minor"], figures["balance_minor"]) == (600, 600, 4_400)
