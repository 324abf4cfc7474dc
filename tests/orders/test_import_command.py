"""`purser import` as its user meets it: what it says, how it ends, and what a kill in the middle leaves."""

import asyncio
import csv
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner, Result

from services.orders.importer.cli import import_
from shared.db import Database
from tests.installation import Installation

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
Import = Callable[..., Result]


def row(invoice: str, sku: str = "A", quantity: int = 1, price: str = "2.50", customer: str = "1") -> list[str]:
    return [invoice, sku, "A thing", str(quantity), "2010-12-01 08:26:00", price, customer, "France"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def write(file: Path, *rows: list[str]) -> None:
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([HEADER, *rows])


@pytest.fixture
def run(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Import:
    monkeypatch.setenv("PURSER_DATABASE_URL", installation.database_url("orders"))
    app = typer.Typer()
    app.command()(import_)
    source = str(uuid4())

    def run_import(file: Path, *flags: str) -> Result:
        return CliRunner().invoke(app, [str(file), "--source", source, *flags])

    return run_import


def test_says_what_became_of_every_line_and_writes_it_down(run: Import, file: Path, tmp_path: Path) -> None:
    free = [row(str(number), price="0") for number in range(10, 35)]
    write(file, row("1"), row("1", "B"), row("C2", "A", -1), *free)
    done = run(file, "--report", str(tmp_path / "report.csv"))
    assert done.exit_code == 0
    for said in ("28 lines: 1 order and 1 customer made", "25  free: costs nothing", "Refused, the first 20:"):
        assert said in done.output
    assert "line 5, invoice 10: free: costs nothing" in done.output
    assert "times in UTC, money in USD" in done.output
    with (tmp_path / "report.csv").open(newline="") as report:
        told = list(csv.reader(report))
    assert [each[0] for each in told[1:]] == [str(number) for number in range(2, 30)]
    assert told[1][2] == told[2][2] == "taken"
    assert told[1][3] == told[3][3]
    assert told[3][2] == "cancellation applied"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--sku", "Code"), "no column Code; it has InvoiceNo"),
        (("--delimiter", ";"), "The file has no column InvoiceNo"),
        (("--delimiter", ";;"), "A delimiter is one character"),
        (("--zone", "../x"), "There is no time zone ../x"),
        (("--zone", "Europe"), "There is no time zone Europe"),
        (("--encoding", "rot13"), "There is no encoding rot13"),
        (("--encoding", "utf-16"), "The file is not written in utf-16"),
        (("--date-format", "[/x]%Y"), "The date format [/x]%Y does not say"),
        (("--report", "/nowhere/at/all"), "Cannot open /nowhere/at/all: No such file or directory."),
    ],
)
def test_what_it_cannot_do_is_one_sentence(run: Import, file: Path, flags: tuple[str, ...], said: str) -> None:
    write(file, row("1"))
    done = run(file, *flags)
    assert (done.exit_code, said in done.output) == (2, True), done.output


def test_the_report_never_overwrites_the_file(run: Import, file: Path) -> None:
    write(file, row("1"))
    before = file.read_bytes()
    assert run(file, "--report", str(file)).exit_code == 2
    assert file.read_bytes() == before


def test_a_file_in_another_encoding_is_taken_once_it_is_named(run: Import, file: Path) -> None:
    file.write_bytes(",".join(HEADER).encode() + b"\n1,A,caf\xe9,1,2010-12-01 08:26:00,1,1,UK\n")
    assert "not written in utf-8-sig: name its --encoding" in run(file).output
    assert run(file, "--encoding", "cp1252").exit_code == 0


def test_tabs_marks_and_carriage_returns_are_read(run: Import, file: Path) -> None:
    rows = [HEADER, row("1"), row("2")]
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join("\t".join(each) for each in rows).encode())
    assert "2 lines: 2 orders" in run(file, "--delimiter", "\\t").output


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+asyncpg://orders:x@127.0.0.1:1/orders", "The database cannot be reached"),
        ("nonsense", "PURSER_DATABASE_URL is not right"),
    ],
)
def test_a_database_that_does_not_answer_is_one_sentence(
    run: Import, file: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    write(file, row("1"))
    monkeypatch.setenv("PURSER_DATABASE_URL", url)
    done = run(file)
    assert (done.exit_code, said in done.output) == (2, True), done.output


async def _outcome(database: Database, source: str) -> list[tuple[object, ...]]:
    """All that an import made, without the numbers and ids that no two share."""
    statement = (
        "SELECT b.reference, c.name, o.total_minor, o.status, o.version,"
        " (SELECT array_agg(ARRAY[i.sku, i.quantity::text, i.status] ORDER BY i.line) FROM items i"
        "  WHERE i.order_number = o.number)::text items,"
        " (SELECT count(*) FROM (SELECT subject FROM outbox UNION ALL SELECT subject FROM outbox_archive) events"
        "  WHERE subject = 'ORD-' || lpad(o.number::text, 10, '0')) told"
        " FROM imported_invoices b JOIN orders o ON o.number = b.order_number JOIN customers c ON c.id = o.customer_id"
        " WHERE b.source = :source ORDER BY o.number"
    )
    async with database.transaction() as session:
        return [tuple(each) for each in await session.execute(text(statement), {"source": source})]


async def test_killed_in_the_middle_and_run_again_ends_as_one_run(
    orders: Database, installation: Installation, file: Path
) -> None:
    sales = [row(f"{n}", sku, 9, customer=f"{n % 50}") for n in range(1_200) for sku in ("A", "B", "C", "D", "E")]
    for n in range(1_150, 100, -50):
        sales.insert(n * 5 + 5, row(f"C{n}", "C", -4, customer="0"))
    write(file, *sales)

    async def start(source: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.orders.importer", str(file), "--source", source),
            env={**os.environ, "PURSER_DATABASE_URL": installation.database_url("orders")},
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.DEVNULL,
        )

    killed, whole = str(uuid4()), str(uuid4())
    once = await start(whole)
    process = await start(killed)
    deadline = time.monotonic() + 60
    while not (made := await _outcome(orders, killed)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    assert 0 < len(made) < 1_200
    assert await (await start(killed)).wait() == 0
    assert await once.wait() == 0
    assert len(await _outcome(orders, whole)) == 1_200
    assert await _outcome(orders, killed) == await _outcome(orders, whole)
