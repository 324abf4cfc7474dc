"""Reads a file and takes it, some invoices in each transaction: what was reported is committed."""

from collections.abc import Callable
from typing import TextIO

from services.orders.importer.cancelling import take_cancellation
from services.orders.importer.reading import Form, Invoice, read_invoices
from services.orders.importer.report import Batch, Report
from services.orders.importer.taking import take_sales
from shared.db import Database

# Large enough to be quick, small enough to be lost by a kill and done again.
LINES_AT_ONCE = 1_000


async def import_file(
    file: TextIO, form: Form, source: str, currency: str, database: Database, report: Report, tick: Callable[[], None]
) -> None:
    """Take every invoice of the file that `source` has not brought before; `tick` is called after each transaction.

    Memory holds `LINES_AT_ONCE` and one invoice. Refuses `Unreadable`.
    """
    waiting: list[Invoice] = []

    async def take_waiting() -> None:
        if waiting:
            batch = Batch()
            async with database.transaction() as session:
                await take_sales(session, source, currency, waiting, batch)
            report.add(batch)
            waiting.clear()
            tick()

    for invoice in read_invoices(file, form):
        if invoice.cancels:
            # It may cancel what still waits.
            await take_waiting()
            batch = Batch()
            async with database.transaction() as session:
                await take_cancellation(session, source, invoice, batch)
            report.add(batch)
        else:
            waiting.append(invoice)
            if sum(len(each.lines) for each in waiting) >= LINES_AT_ONCE:
                await take_waiting()
    await take_waiting()
