"""Billing told what was paid for orders: each, and its payable items, stand where that puts them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.models.order import Order
from shared import outbox
from shared.contracts.billing import InvoiceFacts
from shared.contracts.orders import OrderChanged
from shared.inbox import Heard
from shared.rows import Rows

_ORDER = Rows(
    "o",
    {
        "number": "bigint",
        "status": "text",
        "total_minor": "bigint",
        "paid_minor": "bigint",
        "version": "bigint",
        "billing_version": "bigint",
        "first_paid_in_full_at": "timestamptz",
        "paid_version": "bigint",
    },
)
_ITEM = Rows("i", {"order_number": "bigint", "line": "bigint", "status": "text"})
# However many orders and items, and their news: one statement.
_WRITE = text(f"""
    WITH written AS (
        UPDATE orders SET status = o.status, total_minor = o.total_minor, paid_minor = o.paid_minor,
            version = o.version, billing_version = o.billing_version,
            first_paid_in_full_at = o.first_paid_in_full_at, paid_version = o.paid_version
        FROM {_ORDER} WHERE orders.number = o.number
    ), told AS (
        {outbox.INSERT}
    )
    UPDATE items SET status = i.status
    FROM {_ITEM}
    WHERE items.order_number = i.order_number AND items.line = i.line AND items.status <> i.status
""")  # noqa: S608


async def mark_orders_paid(session: AsyncSession, heard: Sequence[Heard[InvoiceFacts]]) -> None:
    """Facts are absolute: the newest counts, an older one that comes late changes nothing."""
    orders = await queries.lock_known_orders(session, {each.event.order_number for each in heard})
    # What they become is written below, for all at once: the session would write one by one.
    for thing in [part for order in orders.values() for part in (order, *order.items)]:
        session.expunge(thing)
    changed, news = {}, []
    for each in heard:
        order = orders[each.event.order_number]
        if order.take_payment_facts(each.event):
            order.settle()
            order.version += 1
            changed[order.number] = order
            news.append(each.context.run(outbox.row, OrderChanged(**order.facts())))
    if changed:
        await _write(session, changed.values(), news)


async def _write(session: AsyncSession, orders: Collection[Order], news: Sequence[Mapping[str, Any]]) -> None:
    items = (item for order in orders for item in order.items)
    written = {**_ORDER.parameters_of(orders), **_ITEM.parameters_of(items), **outbox.NEWS.parameters(news)}
    await session.execute(_WRITE, written)
    outbox.will_be_told(session, news)
