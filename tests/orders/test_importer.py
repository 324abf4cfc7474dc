"""Orders from a CSV file: what becomes of every line, and that a second run changes nothing."""

import asyncio
import io
from datetime import UTC
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services.orders.importer.cancelling import NO_CUSTOMER, NO_ORDER
from services.orders.importer.form import Columns, Form, Unreadable
from services.orders.importer.importing import OTHER_LINES, import_file
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
                    "SELECT b.reference, o.total_minor, o.status, array_agg(ARRAY[i.sku, i.quantity::text,"
                    " i.unit_price_minor::text, i.status] ORDER BY i.line) items FROM imported_invoices b"
                    " JOIN orders o ON o.number = b.order_number JOIN items i ON i.order_number = o.number"
                    " WHERE b.source = :source GROUP BY o.number, b.reference ORDER BY o.number"
                ),
                {"source": self.source},
            )
            return [
                (row.reference, row.total_minor, row.status, [(i[0], int(i[1]), int(i[2]), i[3]) for i in row.items])
                for row in rows
            ]

    async def told(self) -> list[str]:
        """What was recorded to be told of these customers and orders."""
        mine = (
            "SELECT 'ORD-' || lpad(order_number::text, 10, '0') FROM imported_invoices WHERE source = :source"
            " UNION ALL SELECT customer_id::text FROM imported_customers WHERE source = :source"
        )
        told = f"SELECT split_part(routing_key, '.', 2) FROM {{}} WHERE subject IN ({mine})"
        async with self.database.transaction() as session:
            rows = await session.scalars(
                text(f"{told.format('outbox')} UNION ALL {told.format('outbox_archive')}"), {"source": self.source}
            )
            return sorted(rows)

    async def customers(self) -> list[tuple[str, str, str]]:
        """Login, name and e-mail."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                text(
                    "SELECT login, name, email FROM customers JOIN imported_customers ON customer_id = id"
                    " WHERE source = :source ORDER BY name"
                ),
                {"source": self.source},
            )
            return [(row.login, row.name, row.email) for row in rows]


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
