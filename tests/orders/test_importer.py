"""Orders from a CSV file: what becomes of every line, and that a second run changes nothing."""

import io
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.orders.importer.importing import import_file
from services.orders.importer.reading import Columns, Form, Unreadable
from services.orders.importer.report import Outcome, Report
from shared.db import Database

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
REAL_DATA = Path(__file__).parents[3] / "shared" / "data" / "online-retail"


class Shop:
    """Imports into a source of its own, and looks at what came of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.source = f"test {uuid4()}"
        self.id = uuid4().hex[:8]

    async def take(self, lines: str, header: str = HEADER, form: Form | None = None) -> Report:
        report = Report()
        file = io.StringIO(header + lines.replace("CUST", self.id))
        await import_file(file, form or Form(digits=2), self.source, "USD", self.database, report, lambda: None)
        return report

    async def orders(self) -> list[tuple[str, int, str, list[tuple[str, int, int, str]]]]:
        """Reference, total, status, and the items."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                text(
                    "SELECT o.reference, o.total_minor, o.status, array_agg(ARRAY[i.sku, i.quantity::text,"
                    " i.unit_price_minor::text, i.status] ORDER BY i.line) items FROM orders o JOIN items i"
                    " ON i.order_number = o.number WHERE o.source = :source GROUP BY o.number ORDER BY o.number"
                ),
                {"source": self.source},
            )
            return [
                (row.reference, row.total_minor, row.status, [(i[0], int(i[1]), int(i[2]), i[3]) for i in row.items])
                for row in rows
            ]

    async def told(self) -> list[str]:
        """What was recorded to be told of these customers and orders."""
        mine = "(SELECT 'ORD-' || lpad(number::text, 10, '0') FROM orders WHERE source = :source)"
        told = f"SELECT split_part(routing_key, '.', 2) FROM {{}} WHERE body LIKE :who OR subject IN {mine}"
        async with self.database.transaction() as session:
            rows = await session.scalars(
                text(f"{told.format('outbox')} UNION ALL {told.format('outbox_archive')}"),
                {"source": self.source, "who": f"%{self.id}%"},
            )
            return sorted(rows)


@pytest.fixture
def shop(orders: Database) -> Shop:
    return Shop(orders)


def line(
    invoice: str, sku: str = "A", quantity: object = 1, price: object = "2.55", customer: str = "CUST", **more: str
) -> str:
    title, date = more.get("title", "A thing"), more.get("date", "2010-12-01 08:26:00")
    return f"{invoice},{sku},{title},{quantity},{date},{price},{customer},United Kingdom\n"


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
        (line("", sku="A"), "no invoice"),
        (line("1", date="yesterday"), "date is not in the form %Y-%m-%d %H:%M:%S"),
        (line("1", customer="a b"), "customer has characters that a login cannot have"),
        ("1,A,too,few\n", "has 4 columns instead of 8"),
    ],
)
async def test_a_line_that_cannot_be_taken_is_named_and_the_rest_goes_in(shop: Shop, refused: str, reason: str) -> None:
    report = await shop.take(line("1") + refused + line("2"))
    assert report.first_refusals[0][0] == 3
    assert report.reasons == {reason: 1}
    assert (report.orders, report.outcomes[Outcome.TAKEN], report.lines) == (2, 2, 3)


async def test_a_second_run_changes_nothing(shop: Shop) -> None:
    lines = line("1", "A", 6) + line("1", "B", 2) + line("C9", "A", -6) + line("2", price="0") + line("3", customer="")
    first, before, told = await shop.take(lines), await shop.orders(), await shop.told()
    second = await shop.take(lines)
    assert first.outcomes == {Outcome.TAKEN: 3, Outcome.CANCELLATION: 1, Outcome.REFUSED: 1}
    assert second.outcomes == {Outcome.TAKEN_BEFORE: 3, Outcome.CANCELLATION_BEFORE: 1, Outcome.REFUSED: 1}
    assert (second.customers, second.orders) == (0, 0)
    assert (await shop.orders(), await shop.told()) == (before, told)


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
    assert report.reasons == {"no earlier order of this customer has so many of it left": 1}
    assert (await shop.orders())[0][3] == [("A", 6, 255, "awaiting_payment")]


async def test_lines_without_a_customer_are_a_guests_order(shop: Shop) -> None:
    report = await shop.take(line(f"{shop.id}1", customer="") + line(f"{shop.id}2", customer=""))
    assert (report.customers, report.orders) == (2, 2)


async def test_an_invoice_that_comes_up_again_is_not_taken_as_another(shop: Shop) -> None:
    report = await shop.take(line("1", "A") + line("2", "B") + line("1", "C"))
    assert report.reasons == {"the invoice's lines do not stand together": 1}
    assert [order[0] for order in await shop.orders()] == ["1", "2"]


async def test_columns_and_forms_are_what_one_says(shop: Shop) -> None:
    columns = Columns("no", "code", "name", "pcs", "when", "each", "who", "where")
    form = Form(digits=2, columns=columns, delimiter=";", date_format="%d.%m.%Y", cancellation_prefix="")
    header = "where;who;each;when;pcs;name;code;no;ignored\n"
    report = await shop.take("here;CUST;1.50;01.12.2010;2;Thing;A;C1;x\n", header, form)
    assert report.outcomes == {Outcome.TAKEN: 1}
    assert (await shop.orders())[0][:2] == ("C1", 300)


async def test_a_file_without_the_columns_says_which(shop: Shop) -> None:
    with pytest.raises(Unreadable, match="no column StockCode, Quantity; it has InvoiceNo"):
        await shop.take("", "InvoiceNo,Description,InvoiceDate,UnitPrice,CustomerID,Country\n")


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
    assert outcomes == {Outcome.TAKEN: 7_290, Outcome.CANCELLATION: 7, Outcome.REFUSED: 122}
    assert sum(report.orders for report in reports) == len(await shop.orders()) == 337
