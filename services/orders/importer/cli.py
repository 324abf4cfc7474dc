"""`purser import FILE`."""

import asyncio
import csv
from collections.abc import Callable
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from iso4217 import Currency
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import DBAPIError

from services.orders.importer.importing import import_file
from services.orders.importer.reading import Columns, Form, Unreadable
from services.orders.importer.report import Report
from services.orders.settings import ImportSettings
from shared.db import Database
from shared.settings import load

DEFAULTS = Columns()


def _column(name: str, meaning: str) -> object:
    return typer.Option(f"--{name}", metavar="COLUMN", help=meaning, rich_help_panel="Columns")


def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.", exists=True, dir_okay=False)],
    invoice: Annotated[str, _column("invoice", "the order's number there")] = DEFAULTS.invoice,
    sku: Annotated[str, _column("sku", "the product's code")] = DEFAULTS.sku,
    title: Annotated[str, _column("title", "the product's name")] = DEFAULTS.title,
    quantity: Annotated[str, _column("quantity", "pieces; below zero on a cancellation")] = DEFAULTS.quantity,
    date: Annotated[str, _column("date", "when it was ordered")] = DEFAULTS.date,
    price: Annotated[str, _column("price", "of one piece, in the shop's currency")] = DEFAULTS.price,
    customer: Annotated[str, _column("customer", "the customer's number there; empty for a guest")] = DEFAULTS.customer,
    address: Annotated[str, _column("address", "where to ship to")] = DEFAULTS.address,
    date_format: Annotated[str, typer.Option(help="How dates are written, as strptime has it.")] = "%Y-%m-%d %H:%M:%S",
    zone: Annotated[str, typer.Option(help="The time zone of the dates.")] = "UTC",
    delimiter: Annotated[str, typer.Option(help="What stands between two columns.")] = ",",
    encoding: Annotated[str, typer.Option(help="Of the file.")] = "utf-8-sig",
    cancellation_prefix: Annotated[str, typer.Option(help="How numbers of cancellations begin.")] = "C",
    source: Annotated[str, typer.Option(help="Whose numbers these are: an invoice is taken once of each.")] = "import",
    report: Annotated[Path | None, typer.Option(help="Write what became of each line to this CSV file.")] = None,
) -> None:
    """Take orders from a CSV file. Run again, it changes nothing; interrupted, run it again."""
    console = Console(stderr=False)
    settings = load(ImportSettings)
    try:
        form = Form(
            digits=Currency(settings.currency).exponent or 0,
            columns=Columns(invoice, sku, title, quantity, date, price, customer, address),
            date_format=date_format,
            zone=ZoneInfo(zone),
            delimiter=delimiter,
            cancellation_prefix=cancellation_prefix,
        )
        _run(file, encoding, form, source, settings, report, console)
    except ZoneInfoNotFoundError:
        _give_up(console, f"There is no time zone {zone}: try Europe/London.")
    except LookupError:
        _give_up(console, f"There is no encoding {encoding}: try cp1252.")
    except UnicodeDecodeError as error:
        _give_up(console, f"The file is not {encoding} ({error.reason}): name its --encoding, perhaps cp1252.")
    except (Unreadable, TypeError, csv.Error) as error:
        _give_up(console, str(error))
    except (OSError, DBAPIError) as error:
        _give_up(console, f"Interrupted: {type(error).__name__}. Is the shop up (`make up`)? Then run the same again.")


def _give_up(console: Console, sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False)
    raise typer.Exit(2)


def _run(
    file: Path, encoding: str, form: Form, source: str, settings: ImportSettings, rows: Path | None, console: Console
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with ExitStack() as stack:
        raw = stack.enter_context(file.open("rb"))
        text = stack.enter_context(TextIOWrapper(raw, encoding=encoding, newline=""))
        report = Report(stack.enter_context(rows.open("w", newline="")) if rows else None)
        progress = stack.enter_context(Progress(*columns, console=console))
        bar = progress.add_task(f"importing {file.name}", total=file.stat().st_size)

        def tick() -> None:
            progress.update(bar, completed=raw.tell())

        asyncio.run(_import(text, form, source, settings, report, tick))
        progress.update(bar, completed=file.stat().st_size)
    report.show(console)


async def _import(
    text: TextIOWrapper, form: Form, source: str, settings: ImportSettings, report: Report, tick: Callable[[], None]
) -> None:
    database = Database(settings.database_url)
    try:
        await import_file(text, form, source, settings.currency, database, report, tick)
    finally:
        await database.close()
