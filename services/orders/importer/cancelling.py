"""Applies a cancellation to the order whose goods it takes back, where that can be told."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.commands.amend_item import tell_change
from services.orders.errors import NothingToCancel
from services.orders.importer.reading import Invoice, Line
from services.orders.importer.report import Batch, Outcome
from services.orders.importer.taking import customer_login
from services.orders.models import Customer, ImportedCancellation, Item, Order
from services.orders.standing import DEAD
from shared.contracts.http.orders import ItemStatus
from shared.errors import Refusal


async def take_cancellation(session: AsyncSession, source: str, invoice: Invoice, batch: Batch) -> None:
    """Each line by itself, once."""
    for position, line in enumerate(invoice.lines, 1):
        if line.refusal:
            batch.add(line, Outcome.REFUSED, line.refusal)
        elif not line.customer:
            batch.add(line, Outcome.REFUSED, "a cancellation without a customer: whose, cannot be told")
        elif await session.get(ImportedCancellation, (source, invoice.number, position)):
            batch.add(line, Outcome.CANCELLATION_BEFORE)
        else:
            try:
                order = await _apply(session, source, line)
            except Refusal as refusal:
                batch.add(line, Outcome.REFUSED, refusal.sentence)
            else:
                session.add(ImportedCancellation(source=source, reference=invoice.number, position=position))
                await session.flush()
                batch.add(line, Outcome.CANCELLATION, order.name)


async def _apply(session: AsyncSession, source: str, line: Line) -> Order:
    """Refuses `NothingToCancel`, and what an item refuses."""
    number = await _find_order(session, source, line)
    if number is None:
        raise NothingToCancel("no earlier order of this customer has so many of it left")
    order = await queries.lock_known_order(session, f"ORD-{number:010d}")
    item = next(each for each in order.items if _has_enough(each, line))
    total_before_minor = order.total_minor
    if item.quantity == line.quantity:
        item.move_to(ItemStatus.CANCELLED)
    else:
        item.set_quantity(item.quantity - line.quantity)
    await tell_change(session, order, item, total_before_minor)
    return order


def _has_enough(item: Item, line: Line) -> bool:
    return item.sku == line.sku and item.is_live and item.quantity >= line.quantity


async def _find_order(session: AsyncSession, source: str, line: Line) -> int | None:
    """The customer's newest order from before the cancellation that still has so many of the product."""
    wanted = (
        select(Order.number)
        .join(Customer, Customer.id == Order.customer_id)
        .join(Item, Item.order_number == Order.number)
        .where(
            Order.source == source,
            Customer.login == customer_login("", line),
            Order.placed_at <= line.at,
            Item.sku == line.sku,
            Item.quantity >= line.quantity,
            Item.status.not_in(DEAD),
        )
        .order_by(Order.placed_at.desc(), Order.number.desc())
        .limit(1)
    )
    return await session.scalar(wanted)
