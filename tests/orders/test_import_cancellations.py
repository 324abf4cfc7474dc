"""Cancellations in a CSV file take back what was ordered before, or are named."""

import io

import pytest

from services.orders.importer.cancelling import NO_ORDER
from services.orders.importer.form import Form
from services.orders.importer.importing import import_file
from services.orders.importer.report import Outcome, Report
from tests.orders.imports import HEADER, Shop, line


async def test_a_run_that_broke_off_is_finished_by_the_next(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.orders.importer.importing.LINES_AT_ONCE", 2)
    lines = [line(str(invoice), sku) for invoice in range(1, 8) for sku in "AB"] + [line("C1", "A", -1)]
    other = Shop(shop.database)
    await other.take("".join(lines))

    class Killed(Exception):
        pass

    ticks = 0

    def die() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 3:
            raise Killed

    file = io.StringIO(HEADER + "".join(lines).replace("CUST", shop.id))
    with pytest.raises(Killed):
        await import_file(file, Form(digits=2), shop.source, "USD", shop.database, Report(), die)
    assert len(await shop.orders()) == 3
    await shop.take("".join(lines))
    assert await shop.orders() == await other.orders()
    assert await shop.told() == await other.told()


async def test_a_cancellation_takes_back_all_or_some_of_what_it_cancels(shop: Shop) -> None:
    report = await shop.take(
        line("1", "A", 6, "1") + line("1", "B", 4, "1") + line("C2", "A", -6, "1") + line("C2", "B", -1, "1")
    )
    assert report.outcomes == {Outcome.TAKEN: 2, Outcome.CANCELLATION: 2}
    assert await shop.orders() == [
        ("1", 300, "awaiting_payment", [("A", 6, 100, "cancelled"), ("B", 3, 100, "awaiting_payment")])
    ]
    assert (await shop.told()).count("order_amended") == 2


@pytest.mark.parametrize(
    "cancellation",
    [
        line("C2", "A", -7),
        line("C2", "Z", -1),
        line("C2", "A", -1, customer="somebody-else"),
        line("C2", "A", -1, date="2009-01-01 00:00:00"),
    ],
    ids=["too many", "another product", "another customer", "before the order"],
)
async def test_a_cancellation_that_fits_no_order_is_named(shop: Shop, cancellation: str) -> None:
    report = await shop.take(line("1", "A", 6) + cancellation)
    assert report.reasons == {NO_ORDER: 1}
    assert (await shop.orders())[0][3] == [("A", 6, 255, "awaiting_payment")]


async def test_a_cancellation_takes_back_what_was_sold_at_its_price(shop: Shop) -> None:
    await shop.take(line("1", "A", 6, "1") + line("1", "A", 6, "2") + line("2", "A", 6, "2") + line("C3", "A", -6, "1"))
    assert [[item[3] for item in order[3]] for order in await shop.orders()] == [
        ["cancelled", "awaiting_payment"],
        ["awaiting_payment"],
    ]
