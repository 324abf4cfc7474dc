"""Reads a file and takes it, some invoices in each transaction: what was reported is committed."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TextIO

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.importer.cancelling import report_known, take_cancellation
from services.orders.importer.checking import Line
from services.orders.importer.form import Form
from services.orders.importer.reading import Invoice, read_invoices
from services.orders.importer.register import digest, find_known, hold
from services.orders.importer.report import Batch, Outcome, Report
from services.orders.importer.taking import take_sales
from services.orders.models.order import order_name
from shared.db import Database

# Large enough to be quick, small enough to be lost by a kill and done again.
LINES_AT_ONCE = 1_000
OTHER_LINES = "its invoice was taken already, with other lines (an invoice's lines must stand together)"


async def import_file(
    file: TextIO, form: Form, source: str, currency: str, database: Database, report: Report, tick: Callable[[], None]
) -> None:
    """Take every invoice of the file that `source` has not brought before; `tick` is called after each transaction.

    Memory holds `LINES_AT_ONCE` and one invoice. Refuses `Unreadable`.
    """
    waiting: dict[str, Invoice] = {}
    lines_waiting = lines_read = 0

    async def take_waiting() -> None:
        nonlocal lines_waiting
        batch = Batch()
        async with database.transaction() as session:
            await hold(session, source)
            await _take(session, source, currency, list(waiting.values()), batch)
        report.add(batch)
        waiting.clear()
        lines_waiting = 0
        tick()

    for invoice in read_invoices(file, form):
        if invoice.number in waiting:
            await take_waiting()
        waiting[invoice.number] = invoice
        lines_waiting += len(invoice.lines)
        lines_read += len(invoice.lines)
        if lines_waiting >= LINES_AT_ONCE:
            await take_waiting()
    if waiting:
        await take_waiting()
    if report.lines != lines_read:
        raise RuntimeError(f"{lines_read} lines were read, but {report.lines} reported")


async def _take(session: AsyncSession, source: str, currency: str, invoices: Sequence[Invoice], batch: Batch) -> None:
    """In the file's order, so that a cancellation finds what was sold before it and nothing else."""
    known = await find_known(session, source, [invoice.number for invoice in invoices])
    fresh: list[tuple[bool, list[Line]]] = []
    for invoice in invoices:
        lines = _one_customers(invoice, batch)
        before = known.get(invoice.number)
        if not lines:
            continue
        if before is None:
            fresh.append((invoice.cancels, lines))
        elif before.content != digest(lines):
            batch.refuse(lines, OTHER_LINES)
        elif before.order_number is None:
            await report_known(session, source, lines, batch)
        else:
            for line in lines:
                batch.add(line, Outcome.TAKEN_BEFORE, order_name(before.order_number))
    for cancels, several in groupby(fresh, key=lambda each: each[0]):
        if cancels:
            for _, lines in several:
                await take_cancellation(session, source, lines, batch)
        else:
            await take_sales(session, source, currency, [lines for _, lines in several], batch)


def _one_customers(invoice: Invoice, batch: Batch) -> list[Line]:
    """The lines that can be taken; reports the others."""
    taken: list[Line] = []
    for line in invoice.lines:
        if line.refusal:
            batch.refuse([line], line.refusal)
        elif taken and line.customer != taken[0].customer:
            batch.refuse([line], "another customer than the invoice's first line")
        else:
            taken.append(line)
    return taken
