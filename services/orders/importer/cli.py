"""`purser import FILE`."""

import codecs
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from iso4217 import Currency
from rich.console import Console

from services.orders.importer.form import ADJUSTMENTS, Columns, Form, Unreadable
from services.orders.importer.running import run
from services.orders.settings import ImportSettings
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
    customer: Annotated[
        str, _column("customer", "the customer's number there; empty on the line of a guest; '' for no such column")
    ] = DEFAULTS.customer,
    address: Annotated[str, _column("address", "where to ship to; '' for no such column")] = DEFAULTS.address,
    date_format: Annotated[str, typer.Option(help="How dates are written, as strptime has it.")] = "%Y-%m-%d %H:%M:%S",
    zone: Annotated[str, typer.Option(help="The time zone of dates that do not name their own.")] = "UTC",
    delimiter: Annotated[str, typer.Option(help="What stands between two columns; \\t for a tab.")] = ",",
    encoding: Annotated[str, typer.Option(help="Of the file.")] = "utf-8-sig",
    cancellation_prefix: Annotated[str, typer.Option(help="How numbers of cancellations begin.")] = "C",
    adjustments: Annotated[
        str, typer.Option(help="Product names that stand for adjustments of a bill, not for goods: refused.")
    ] = ADJUSTMENTS,
    source: Annotated[str, typer.Option(help="Whose numbers these are: each invoice is taken once.")] = "import",
    report: Annotated[Path | None, typer.Option(help="Write what became of each line to this CSV file.")] = None,
) -> None:
    """Take orders from a CSV file. Run again, it changes nothing; interrupted, run it again."""
    console = Console()
    settings = load(ImportSettings, among_others=True)
    try:
        form = Form(
            digits=Currency(settings.currency).exponent or 0,
            columns=Columns(invoice, sku, title, quantity, date, price, customer, address),
            date_format=date_format,
            zone=_zone(zone),
            delimiter=delimiter.replace("\\t", "\t"),
            cancellation_prefix=cancellation_prefix,
            adjustments=frozenset(name.strip().lower() for name in adjustments.split(",") if name.strip()),
        )
        _check_encoding(encoding)
        if report is not None and report.exists() and report.samefile(file):
            raise Unreadable("The report would overwrite the file itself: name another one.")
    except Unreadable as unreadable:
        console.print(str(unreadable), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from unreadable
    raise typer.Exit(run(file, encoding, form, source, settings, report, console))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise Unreadable(f"There is no time zone {name}: try Europe/London.") from error


def _check_encoding(name: str) -> None:
    try:
        # "rot13" is a codec too; that it is not one of texts is heard only when it is used.
        "".encode(codecs.lookup(name).name)
    except (LookupError, ValueError) as error:
        raise Unreadable(f"There is no encoding {name} of texts: try cp1252.") from error
