"""Orders from a CSV file: what becomes of every line, and that a second run changes nothing."""

import asyncio

import pytest

from services.orders.importer.cancelling import NO_CUSTOMER, NO_ORDER
from services.orders.importer.importing import OTHER_LINES
from services.orders.importer.report import Outcome
from tests.orders.imports import Shop, line


async def test_an_invoice_becomes_an_order_with_exact_sums(shop: Shop) -> None:
    report = await shop.take(line("1", "A", 6, "2.55") + line("1", "B", 3, "0.1") + line("2", "A", 1, "10"))
    assert (report.customers, report.orders, report.outcomes) == (1, 2, {Outcome.TAKEN: 3})
    assert await shop.orders() == [
        ("1", 1_560, "awaiting_payment", [("A", 6, 255, "awaiting_payment"), ("B", 3, 10, "awaiting_payment")]),
        ("2", 1_000, "awaiting_payment", [("A", 1, 1_000, "awaiting_payment")]),
    ]
    assert await shop.told() == ["customer_registered", "order_placed", "order_placed"]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (line("1", quantity=0), "a correction of stock, not a sale"),
        (line("1", quantity=-3), "a correction of stock, not a sale"),
        (line("1", quantity="1.5"), "quantity is not a whole number"),
        (line("1", quantity="many"), "quantity is not a whole number"),
        (line("1", quantity=10**7), "more than 1000000 pieces"),
        (line("1", price="0"), "free: costs nothing"),
        (line("1", price="-11062.06"), "an adjustment: price below zero"),
        (line("1", price="2.555"), "price has more digits than the currency"),
        (line("1", price="NaN"), "price is not a number"),
        (line("1", price="1e3"), "price is not a number"),
        (line("1", price=""), "price is not a number"),
        (line("1", price="99999999999"), "price too large"),
        (line("1", title=" "), "no title"),
        (line("1", title="x" * 301), "title is longer than 300 characters"),
        (line("1", title="a\x00b"), "title has a NUL character"),
        (line("1", sku=""), "no sku"),
        (line(""), "no invoice"),
        (line("1", date="yesterday"), "date is not in the form %Y-%m-%d %H:%M:%S"),
        (line("1", date="0001-01-01 00:00:00"), "date is not between 1900 and 2999"),
        (line("1", customer="x" * 101), "customer is longer than 100 characters"),
        (line("1", title="\ud800"), "title is not valid Unicode"),
        (line("1", title="Manual"), "an adjustment of the bill, not goods"),
        ("1,A,too,few\n", "has 4 columns instead of 8"),
        ("\n", "blank"),
    ],
)
async def test_a_line_that_cannot_be_taken_is_named_and_the_rest_goes_in(shop: Shop, refused: str, reason: str) -> None:
    report = await shop.take(line("1") + refused + line("2"))
    assert report.first_refusals[0][0] == 3
    assert report.reasons == {reason: 1}
    assert (report.orders, report.outcomes[Outcome.TAKEN], report.lines) == (2, 2, 3)


async def test_a_line_that_cannot_be_read_does_not_cost_its_invoice_the_lines_after_it(shop: Shop) -> None:
    report = await shop.take(line("1", "A") + "1,B,torn\n" + "\n" + line("1", "C"))
    assert report.outcomes == {Outcome.TAKEN: 2, Outcome.REFUSED: 2}
    assert [item[0] for item in (await shop.orders())[0][3]] == ["A", "C"]


async def test_a_quotation_that_does_not_end_is_counted_line_by_line(shop: Shop) -> None:
    report = await shop.take(line("1") + '2,A,"open' + line("2") * 3 + line("2") + 'x"\n' + line("3"))
    assert report.outcomes == {Outcome.TAKEN: 2, Outcome.REFUSED: 5}
    assert [number for number, _, _ in report.first_refusals] == [3, 4, 5, 6, 7]


async def test_a_title_may_have_more_than_one_line(shop: Shop) -> None:
    report = await shop.take(line("1", title='"two\nlines, quoted"') + line("2", price="0"))
    assert report.first_refusals == [(4, "2", "free: costs nothing")]
    assert report.outcomes[Outcome.TAKEN] == 1


async def test_a_second_run_changes_nothing(shop: Shop) -> None:
    lines = line("1", "A", 6) + line("1", "B", 2) + line("C9", "A", -6) + line("2", price="0") + line("3", customer="")
    first, before, told = await shop.take(lines), await shop.orders(), await shop.told()
    second = await shop.take(lines)
    assert first.outcomes == {Outcome.TAKEN: 3, Outcome.CANCELLATION: 1, Outcome.REFUSED: 1}
    assert second.outcomes == {Outcome.TAKEN_BEFORE: 3, Outcome.CANCELLATION_BEFORE: 1, Outcome.REFUSED: 1}
    assert (second.customers, second.orders) == (0, 0)
    assert (await shop.orders(), await shop.told()) == (before, told)


async def test_a_cancellation_that_was_refused_stays_so_when_its_order_comes_later(shop: Shop) -> None:
    lines = line("C9", "A", -1, date="2011-01-01 00:00:00") + line("1", "A", 6)
    first, before = await shop.take(lines), await shop.orders()
    second = await shop.take(lines)
    assert first.reasons == second.reasons == {NO_ORDER: 1}
    assert await shop.orders() == before


async def test_two_runs_at_once_end_as_one(shop: Shop) -> None:
    lines = [line(str(invoice), sku) for invoice in range(1, 30) for sku in "AB"] + [line("C1", "A", -1)]
    both = await asyncio.gather(shop.take("".join(lines)), shop.take("".join(lines)))
    assert sum(report.orders for report in both) == len(await shop.orders()) == 29
    assert (await shop.told()).count("order_cancelled") == 0
    assert (await shop.told()).count("order_amended") == 1


async def test_a_cancellation_of_nobody_is_named(shop: Shop) -> None:
    report = await shop.take(line("1", "A", customer="") + line("C2", "A", -1, customer=""))
    assert report.reasons == {NO_CUSTOMER: 1}


async def test_lines_without_a_customer_are_a_guests_order(shop: Shop) -> None:
    report = await shop.take(line("CUST 1", customer="") + line("CUST 2", customer=""))
    assert (report.customers, report.orders) == (2, 2)
    assert await shop.customers() == [
        (f"guest-{shop.id}-{n}", f"Guest {shop.id} {n}", f"guest-{shop.id}-{n}@import.invalid") for n in (1, 2)
    ]


async def test_another_sources_customer_of_the_same_number_is_somebody_else(shop: Shop) -> None:
    other = Shop(shop.database)
    other.id = shop.id
    await shop.take(line("1"))
    await other.take(line("1") + line("2"))
    [(login, name, _)] = await shop.customers()
    [(others_login, others_name, email)] = await other.customers()
    assert (login, name) == (f"customer-{shop.id}", others_name)
    assert others_login.startswith(f"{login}.")
    assert email == f"{others_login}@import.invalid"


async def test_customers_whom_a_login_cannot_tell_apart_are_not_the_same(shop: Shop) -> None:
    await shop.take(line("1", customer="CUST Ä") + line("2", customer="CUST Ö") + line("3", customer="CUST Ä"))
    assert [name for _, name, _ in await shop.customers()] == [f"Customer {shop.id} Ä", f"Customer {shop.id} Ö"]
    assert len({login for login, _, _ in await shop.customers()}) == 2


@pytest.mark.parametrize("at_once", [1, 1_000])
async def test_an_invoice_that_comes_up_again_is_not_taken_as_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("services.orders.importer.importing.LINES_AT_ONCE", at_once)
    lines = line("1", "A") + line("1", "B") + line("C3", "A", -1)
    report = await shop.take(lines + line("2", "B") + line("1", "C") + line("1", "A", 9) + line("C3", "B", -1))
    assert report.outcomes == {Outcome.TAKEN: 3, Outcome.CANCELLATION: 1, Outcome.REFUSED: 3}
    assert report.reasons == {OTHER_LINES: 3}
    assert [order[0] for order in await shop.orders()] == ["1", "2"]
