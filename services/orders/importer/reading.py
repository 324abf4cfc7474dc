"""A CSV file as invoices, one after the other; the file is never held, only one invoice at a time."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TextIO

from services.orders.importer.checking import Line, check_line
from services.orders.importer.form import Form, Unreadable

LARGEST_INVOICE_LINES = 10_000
LONGEST_LINE = 1_000_000


@dataclass(frozen=True)
class Invoice:
    """Lines that stand together under one number, and between them such as cannot be read."""

    number: str
    lines: list[Line]
    cancels: bool


def read_invoices(file: TextIO, form: Form) -> Iterator[Invoice]:
    """The file's invoices in order; a line that has no invoice stays with those before it. Refuses `Unreadable`."""
    number, lines, full = "", list[Line](), False
    for line in _read_lines(file, form):
        if line.invoice and number and line.invoice != number:
            yield Invoice(number, lines, form.cancels(number))
            lines, full = [], False
        number = line.invoice or number
        if full:
            line = replace(line, refusal=f"more than {LARGEST_INVOICE_LINES} lines of one invoice")
        lines.append(line)
        if len(lines) == LARGEST_INVOICE_LINES:
            yield Invoice(number, lines, form.cancels(number))
            lines, full = [], True
    if lines:
        yield Invoice(number, lines, form.cancels(number))


def _read_lines(file: TextIO, form: Form) -> Iterator[Line]:
    rows = csv.reader(_physical_lines(file), delimiter=form.delimiter)
    try:
        header = [cell.strip() for cell in next(rows, [])]
    except csv.Error as error:
        raise Unreadable(f"The first line is not CSV: {error}.") from error
    places = form.columns.places(header)
    while True:
        first = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            row = []
        if len(row) == len(header):
            yield check_line(first, {what: row[place].strip() for what, place in places.items()}, form)
        elif rows.line_num > first:
            # Each is named, so that none is lost in the count.
            for number in range(first, rows.line_num + 1):
                yield Line(number, refusal="part of a quotation that does not end where its line does")
        else:
            blank = not "".join(row).strip()
            yield Line(first, refusal="blank" if blank else f"has {len(row)} columns instead of {len(header)}")


def _physical_lines(file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise Unreadable(
                f"Line {number} is longer than {LONGEST_LINE:,} characters: this is no CSV file of orders."
            )
        yield line
