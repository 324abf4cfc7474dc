"""Forms of CSV files: columns, dates, what is no such file; and three real trading days."""

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services.orders.importer.form import Columns, Form, Unreadable
from services.orders.importer.importing import import_file
from services.orders.importer.report import Outcome, Report
from tests.orders.imports import HEADER, Shop, line

REAL_DATA = Path(__file__).parents[3] / "shared" / "data" / "online-retail"


async def test_an_invoice_larger_than_any_is_cut_and_the_rest_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.orders.importer.reading.LARGEST_INVOICE_LINES", 3)
    report = await shop.take(line("1") * 7 + line("2"))
    assert report.reasons == {"more than 3 lines of one invoice": 4}
    assert [len(order[3]) for order in await shop.orders()] == [3, 1]


async def test_columns_and_forms_are_what_one_says(shop: Shop) -> None:
    columns = Columns("no", "code", "name", "pcs", "when", "each", "who", "where")
    form = Form(digits=2, columns=columns, delimiter=";", date_format="%d.%m.%Y", cancellation_prefix="")
    header = "where;who;each;when;pcs;name;code;no;ignored\n"
    report = await shop.take("here;CUST;1.50;01.12.2010;2;Thing;A;C1;x\n", header, form)
    assert report.outcomes == {Outcome.TAKEN: 1}
    assert (await shop.orders())[0][:2] == ("C1", 300)


async def test_a_date_that_names_its_zone_keeps_it_and_others_are_the_shops(shop: Shop) -> None:
    london = ZoneInfo("Europe/London")
    await shop.take(line("1", date="2010-07-01 12:00:00"), form=Form(digits=2, zone=london))
    own = Form(digits=2, zone=london, date_format="%Y-%m-%dT%H:%M%z")
    await shop.take(line("2", date="2010-07-01T12:00+0500"), form=own)
    async with shop.database.transaction() as session:
        placed = await session.scalars(
            text(
                "SELECT placed_at FROM orders JOIN imported_invoices ON order_number = number"
                " WHERE source = :source ORDER BY number"
            ),
            {"source": shop.source},
        )
        assert [at.astimezone(UTC).hour for at in placed] == [11, 7]


async def test_a_file_may_have_neither_customers_nor_addresses(shop: Shop) -> None:
    form = Form(digits=0, columns=Columns(customer="", address=""))
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice\n"
    await shop.take(f"{shop.id},A,Thing,1,2010-12-01 08:26:00,500\n", header, form)
    assert (await shop.orders())[0][:2] == (shop.id, 500)


@pytest.mark.parametrize(
    "wrong", [{"delimiter": ";;"}, {"delimiter": '"'}, {"date_format": "%Q"}, {"date_format": "%H:%M"}]
)
def test_a_form_that_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        Form(digits=2, **wrong)  # type: ignore[arg-type]


async def test_a_file_without_the_columns_says_which(shop: Shop) -> None:
    with pytest.raises(Unreadable, match="no column StockCode, Quantity; it has InvoiceNo"):
        await shop.take("", "InvoiceNo,Description,InvoiceDate,UnitPrice,CustomerID,Country\n")
    with pytest.raises(Unreadable, match="none at all"):
        await shop.take("", "")
    with pytest.raises(Unreadable, match="more than one column Quantity"):
        await shop.take("", HEADER.replace("Country", "Quantity,Country"))
    with pytest.raises(Unreadable, match="Line 2 is longer than"):
        await shop.take("x" * 1_000_001)


@pytest.mark.skipif(not REAL_DATA.exists(), reason="the real trading days are not beside this checkout")
async def test_three_real_trading_days_are_taken_whole(shop: Shop) -> None:
    reports = []
    for path in sorted(REAL_DATA.glob("*.csv")):
        report = Report()
        with path.open(encoding="utf-8-sig", newline="") as file:
            await import_file(file, Form(digits=2), shop.source, "USD", shop.database, report, lambda: None)
        reports.append(report)
    assert sum(report.lines for report in reports) == 7_419
    outcomes = sum((report.outcomes for report in reports), start=reports[0].outcomes.__class__())
    assert outcomes == {Outcome.TAKEN: 7_285, Outcome.CANCELLATION: 7, Outcome.REFUSED: 127}
    assert sum(report.orders for report in reports) == len(await shop.orders()) == 336
