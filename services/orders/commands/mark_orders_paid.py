"""Billing told what was paid for orders: each, and its payable items, stand where that puts them."""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.models.order import Order
from shared import outbox
from shared.contracts.billing import InvoiceFacts
from shared.contracts.orders import OrderChanged
from shared.inbox import Heard

# However many orders and items: one statement.
_WRITE = text("""
    WITH written AS (
        UPDATE orders SET status = n.status, total_minor = n.total, paid_minor = n.paid, version = n.version,
            billing_version = n.billing_version, first_paid_in_full_at = n.paid_at, paid_version = n.paid_version
        FROM unnest(CAST(:numbers AS bigint[]), CAST(:statuses AS text[]), CAST(:totals AS bigint[]),
            CAST(:paid AS bigint[]), CAST(:billing_versions AS bigint[]), CAST(:paid_at AS timestamptz[]),
            CAST(:paid_versions AS bigint[]), CAST(:versions AS bigint[]))
            AS n (number, status, total, paid, billing_version, paid_at, paid_version, version)
        WHERE orders.number = n.number
    )
    UPDATE items SET status = n.status
    FROM unnest(CAST(:item_numbers AS bigint[]), CAST(:lines AS bigint[]), CAST(:item_statuses AS text[]))
        AS n (order_number, line, status)
    WHERE items.order_number = n.order_number AND items.line = n.line AND items.status <> n.status
""")


async def mark_orders_paid(session: AsyncSession, heard: Sequence[Heard[InvoiceFacts]]) -> None:
    """Facts are absolute: the newest counts, an older one that comes late changes nothing."""
    orders = await queries.lock_known_orders(session, {each.event.order_number for each in heard})
    # What they become is written below, for all at once: the session would write one by one.
    for thing in [part for order in orders.values() for part in (order, *order.items)]:
        session.expunge(thing)
    changed, told = {}, []
    for each in heard:
        order = orders[each.event.order_number]
        if order.take_payment_facts(each.event):
            order.settle()
            order.version += 1
            changed[order.number] = order
            told.append((each.context, OrderChanged(**order.facts())))
    if changed:
        await _write(session, changed.values())
        await outbox.record_caused(session, told)


async def _write(session: AsyncSession, orders: Collection[Order]) -> None:
    items = [item for order in orders for item in order.items]
    await session.execute(
        _WRITE,
        {
            "numbers": [order.number for order in orders],
            "statuses": [order.status for order in orders],
            "totals": [order.total_minor for order in orders],
            "paid": [order.paid_minor for order in orders],
            "billing_versions": [order.billing_version for order in orders],
            "paid_at": [order.first_paid_in_full_at for order in orders],
            "paid_versions": [order.paid_version for order in orders],
            "versions": [order.version for order in orders],
            "item_numbers": [item.order_number for item in items],
            "lines": [item.line for item in items],
            "item_statuses": [item.status for item in items],
        },
    )
