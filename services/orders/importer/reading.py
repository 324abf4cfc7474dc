"""A CSV file as lines that can be taken, each checked by itself; the file is never held, only one invoice at a time."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import TextIO
from zoneinfo import ZoneInfo

from shared.contracts.base import LARGEST_AMOUNT_MINOR

LARGEST_QUANTITY = 1_000_000
LARGEST_INVOICE_LINES = 10_000
NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?")
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,60}")


@dataclass(frozen=True)
class Columns:
    """What the file calls things; the defaults are the Online Retail data's."""

    invoice: str = "InvoiceNo"
    sku: str = "StockCode"
    title: str = "Description"
    quantity: str = "Quantity"
    date: str = "InvoiceDate"
    price: str = "UnitPrice"
    customer: str = "CustomerID"
    address: str = "Country"

    def names(self) -> list[str]:
        return list(vars(self).values())


@dataclass(frozen=True)
class Form:
    """How the file is to be read. `digits`: how many the shop's currency has after the point."""

    digits: int
    columns: Columns = field(default_factory=Columns)
    date_format: str = "%Y-%m-%d %H:%M:%S"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    delimiter: str = ","
    cancellation_prefix: str = "C"


class Unreadable(Exception):
    """The file as a whole cannot be taken; the sentence says why."""


class LineRefused(Exception):
    """A line cannot be taken; the sentence says why."""


@dataclass(frozen=True)
class Line:
    """One line of the file; `refusal` says why it cannot be taken, otherwise the rest is sound."""

    number: int
    invoice: str
    refusal: str = ""
    sku: str = ""
    title: str = ""
    quantity: int = 0
    price_minor: int = 0
    at: datetime | None = None
    customer: str = ""
    address: str = ""


@dataclass(frozen=True)
class Invoice:
    """Lines that stand together under one number."""

    number: str
    lines: list[Line]
    cancels: bool

    @property
    def sound(self) -> list[Line]:
        return [line for line in self.lines if not line.refusal]


def read_invoices(file: TextIO, form: Form) -> Iterator[Invoice]:
    """The file's invoices, one after the other. Refuses `Unreadable`."""
    for number, lines in groupby(_read_lines(file, form), key=lambda line: line.invoice):
        cancels = bool(form.cancellation_prefix) and number.startswith(form.cancellation_prefix)
        while part := [line for line, _ in zip(lines, range(LARGEST_INVOICE_LINES), strict=False)]:
            yield Invoice(number, part, cancels)


def _read_lines(file: TextIO, form: Form) -> Iterator[Line]:
    rows = csv.reader(file, delimiter=form.delimiter)
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise Unreadable(f"The first line is not CSV: {error}.") from error
    missing = [name for name in form.columns.names() if name not in header]
    if missing:
        raise Unreadable(f"The file has no column {', '.join(missing)}; it has {', '.join(header) or 'none at all'}.")
    places = {what: header.index(name) for what, name in vars(form.columns).items()}
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(rows.line_num, "", refusal=f"not CSV: {error}")
            continue
        if row:
            yield _read_line(rows.line_num, row, places, len(header), form)


def _read_line(number: int, row: list[str], places: dict[str, int], width: int, form: Form) -> Line:
    if len(row) != width:
        return Line(number, "", refusal=f"has {len(row)} columns instead of {width}")
    texts = {what: row[place].strip() for what, place in places.items()}
    invoice = texts["invoice"]
    try:
        return _check_line(number, texts, form)
    except LineRefused as refusal:
        return Line(number, invoice, refusal=str(refusal))


def _check_line(number: int, texts: dict[str, str], form: Form) -> Line:
    cancels = bool(form.cancellation_prefix) and texts["invoice"].startswith(form.cancellation_prefix)
    for what, most in (("invoice", 100), ("sku", 100), ("title", 300), ("address", 500), ("customer", 60)):
        if "\x00" in texts[what]:
            raise LineRefused(f"{what} has a NUL character")
        if len(texts[what]) > most:
            raise LineRefused(f"{what} is longer than {most} characters")
    for what in ("invoice", "sku"):
        if not texts[what]:
            raise LineRefused(f"no {what}")
    quantity = _quantity(texts["quantity"], cancels)
    price_minor = _price(texts["price"], form.digits)
    if not texts["title"] and not cancels:
        raise LineRefused("no title")
    return Line(
        number,
        texts["invoice"],
        sku=texts["sku"],
        title=texts["title"],
        quantity=quantity,
        price_minor=price_minor,
        at=_moment(texts["date"], form),
        customer=_customer(texts["customer"]),
        address=texts["address"],
    )


def _quantity(text: str, cancels: bool) -> int:
    """Pieces; on a cancellation how many are cancelled."""
    if not NUMBER.fullmatch(text) or Decimal(text) % 1:
        raise LineRefused("quantity is not a whole number")
    pieces = -int(Decimal(text)) if cancels else int(Decimal(text))
    if pieces <= 0:
        raise LineRefused("a cancellation of less than one piece" if cancels else "a correction of stock, not a sale")
    if pieces > LARGEST_QUANTITY:
        raise LineRefused(f"more than {LARGEST_QUANTITY} pieces")
    return pieces


def _price(text: str, digits: int) -> int:
    """Minor units, exactly."""
    if not NUMBER.fullmatch(text):
        raise LineRefused("price is not a number")
    minor = Decimal(text).scaleb(digits)
    if minor % 1:
        raise LineRefused("price has more digits than the currency")
    if minor == 0:
        raise LineRefused("free: costs nothing")
    if minor < 0:
        raise LineRefused("an adjustment: price below zero")
    if minor > LARGEST_AMOUNT_MINOR:
        raise LineRefused("price too large")
    return int(minor)


def _moment(text: str, form: Form) -> datetime:
    try:
        return datetime.strptime(text, form.date_format).replace(tzinfo=form.zone)
    except ValueError as error:
        raise LineRefused(f"date is not in the form {form.date_format}") from error


def _customer(text: str) -> str:
    """A customer's number, "" where there is none; spreadsheets write whole numbers as 17850.0."""
    number = re.sub(r"\.0$", "", text)
    if number and not LOGIN.fullmatch(number):
        raise LineRefused("customer has characters that a login cannot have")
    return number
