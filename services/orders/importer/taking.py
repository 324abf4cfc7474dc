"""Makes orders of sales, many in one transaction; what was taken once is not taken again."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.importer.checking import Line
from services.orders.importer.customers import find_or_make, who
from services.orders.importer.register import ImportedInvoice, digest
from services.orders.importer.report import Batch, Outcome
from services.orders.models.order import Order
from shared import outbox
from shared.contracts.base import LARGEST_AMOUNT_MINOR
from shared.contracts.http.orders import ItemStatus
from shared.contracts.orders import OrderPlaced, OrderStatus

_ITEMS = {
    "order_number": "bigint",
    "line": "bigint",
    "sku": "text",
    "title": "text",
    "quantity": "bigint",
    "unit_price_minor": "bigint",
    "status": "text",
}
# However many: one statement for each was most of what PostgreSQL did.
_INSERT_ITEMS = text(
    f"INSERT INTO items ({', '.join(_ITEMS)})"  # noqa: S608
    f" SELECT * FROM unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in _ITEMS.items())})"
)


async def take_sales(
    session: AsyncSession, source: str, currency: str, sales: Sequence[list[Line]], batch: Batch
) -> None:
    """Make an order of each invoice's lines; none of them was taken before."""
    payable = []
    for lines in sales:
        if _total_minor(lines) > LARGEST_AMOUNT_MINOR:
            batch.refuse(lines, "the order would cost more than a shop can take")
        else:
            payable.append(lines)
    if payable:
        customers = await find_or_make(session, source, [lines[0] for lines in payable], batch)
        await _make_orders(session, source, currency, payable, customers, batch)


def _total_minor(lines: Sequence[Line]) -> int:
    return sum(line.quantity * line.price_minor for line in lines)


async def _make_orders(
    session: AsyncSession,
    source: str,
    currency: str,
    sales: Sequence[list[Line]],
    customers: dict[str, UUID],
    batch: Batch,
) -> None:
    rows = [_order_row(lines, customers[who(lines[0])], currency) for lines in sales]
    made = insert(Order).returning(Order, sort_by_parameter_order=True)
    orders = (await session.scalars(made, rows)).all()
    items = [
        _item_row(order, position, line)
        for order, lines in zip(orders, sales, strict=True)
        for position, line in enumerate(lines, 1)
    ]
    await session.execute(_INSERT_ITEMS, {name: [item[name] for item in items] for name in _ITEMS})
    await session.execute(
        insert(ImportedInvoice),
        [
            {"source": source, "reference": lines[0].invoice, "content": digest(lines), "order_number": order.number}
            for order, lines in zip(orders, sales, strict=True)
        ],
    )
    await outbox.record_all(session, [OrderPlaced(**order.facts()) for order in orders])
    batch.orders += len(orders)
    for order, lines in zip(orders, sales, strict=True):
        for line in lines:
            batch.add(line, Outcome.TAKEN, order.name)


def _order_row(lines: list[Line], customer_id: UUID, currency: str) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "status": OrderStatus.AWAITING_PAYMENT.value,
        "currency": currency,
        "delivery_minor": 0,
        "total_minor": _total_minor(lines),
        "paid_minor": 0,
        "shipping_address": lines[0].address,
        "placed_at": lines[0].at,
        "version": 1,
    }


def _item_row(order: Order, position: int, line: Line) -> dict[str, Any]:
    return {
        "order_number": order.number,
        "line": position,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price_minor": line.price_minor,
        "status": ItemStatus.AWAITING_PAYMENT.value,
    }
