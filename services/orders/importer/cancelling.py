"""Applies a cancellation to the order whose goods it takes back, where that can be told."""

from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.commands.amend_item import tell_change
from services.orders.importer.checking import Line
from services.orders.importer.customers import who
from services.orders.importer.register import (
    ImportedCancellation,
    ImportedCustomer,
    ImportedInvoice,
    digest,
    list_cancellations,
)
from services.orders.importer.report import Batch, Outcome
from services.orders.models.item import Item
from services.orders.models.order import Order, order_name
from services.orders.standing import TRANSITIONS
from shared.contracts.http.orders import ItemStatus

NO_CUSTOMER = "a cancellation without a customer: whose, cannot be told"
NO_ORDER = "no earlier order of this customer has so many of it left"
CANCELLABLE = [status for status, after in TRANSITIONS.items() if ItemStatus.CANCELLED in after]


async def take_cancellation(session: AsyncSession, source: str, lines: Sequence[Line], batch: Batch) -> None:
    """Each line by itself. What becomes of it is kept: otherwise a second run would find orders that came later."""
    reference = lines[0].invoice
    invoice = {"source": source, "reference": reference, "content": digest(lines), "order_number": None}
    await session.execute(insert(ImportedInvoice), [invoice])
    rows = []
    for position, line in enumerate(lines, 1):
        order = await _apply(session, source, line) if line.customer else None
        refusal = None if order else NO_ORDER if line.customer else NO_CUSTOMER
        batch.add(line, *((Outcome.CANCELLATION, order.name) if order else (Outcome.REFUSED, refusal or "")))
        number = order.number if order else None
        rows.append({"position": position, "order_number": number, "refusal": refusal})
    await session.execute(
        insert(ImportedCancellation), [{"source": source, "reference": reference, **row} for row in rows]
    )


async def report_known(session: AsyncSession, source: str, lines: Sequence[Line], batch: Batch) -> None:
    """What became of each line of a cancellation that was taken before."""
    known = await list_cancellations(session, source, lines[0].invoice)
    for line, became in zip(lines, known, strict=True):
        if became.order_number is None:
            batch.add(line, Outcome.REFUSED, became.refusal or "")
        else:
            batch.add(line, Outcome.CANCELLATION_BEFORE, order_name(became.order_number))


async def _apply(session: AsyncSession, source: str, line: Line) -> Order | None:
    found = await _find_item(session, source, line)
    if found is None:
        return None
    number, position = found
    order = await queries.lock_known_order(session, order_name(number))
    item = order.item(position)
    if item.status not in CANCELLABLE or item.quantity < line.quantity:
        # It went between looking and locking.
        return None
    total_before_minor = order.total_minor
    if item.quantity == line.quantity:
        item.move_to(ItemStatus.CANCELLED)
    else:
        item.set_quantity(item.quantity - line.quantity, order.version + 1)
    await tell_change(session, order, item, total_before_minor)
    return order


async def _find_item(session: AsyncSession, source: str, line: Line) -> tuple[int, int] | None:
    """The customer's newest item from before the cancellation that has so many left; rather one of the same price."""
    wanted = (
        select(Item.order_number, Item.line)
        .join(Order, Order.number == Item.order_number)
        .join(ImportedCustomer, ImportedCustomer.customer_id == Order.customer_id)
        .where(
            ImportedCustomer.source == source,
            ImportedCustomer.reference == who(line),
            Order.placed_at <= line.at,
            Item.sku == line.sku,
            Item.quantity >= line.quantity,
            Item.status.in_(CANCELLABLE),
        )
        .order_by(Item.unit_price_minor != line.price_minor, Order.placed_at.desc(), Order.number.desc(), Item.line)
        .limit(1)
    )
    found = (await session.execute(wanted)).first()
    return (found.order_number, found.line) if found else None
