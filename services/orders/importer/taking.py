"""Makes customers and orders of invoices, many in one transaction; what was taken once is not taken again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.importer.reading import Invoice, Line
from services.orders.importer.report import Batch, Outcome
from services.orders.models import Customer, Item, Order
from shared import outbox
from shared.contracts.base import LARGEST_AMOUNT_MINOR, Event
from shared.contracts.http.orders import ItemStatus
from shared.contracts.orders import CustomerRegistered, OrderPlaced, OrderStatus


def customer_login(invoice: str, line: Line) -> str:
    """Who ordered; an invoice without a customer is a guest's, one guest for each."""
    return (f"customer-{line.customer}" if line.customer else f"guest-{invoice}").lower()


async def take_sales(
    session: AsyncSession, source: str, currency: str, invoices: Sequence[Invoice], batch: Batch
) -> None:
    """Make an order of each invoice that was not taken before."""
    known = await _find_known(session, source, [invoice.number for invoice in invoices])
    fresh: dict[str, list[Line]] = {}
    for invoice in invoices:
        lines = _one_customers(invoice, batch)
        if invoice.number in known:
            _report_known(lines, known[invoice.number], batch)
        elif invoice.number in fresh:
            _refuse(lines, "the invoice's lines do not stand together", batch)
        elif sum(line.quantity * line.price_minor for line in lines) > LARGEST_AMOUNT_MINOR:
            _refuse(lines, "the order would cost more than a shop can take", batch)
        elif lines:
            fresh[invoice.number] = lines
    if not fresh:
        return
    customers = await _make_customers(session, fresh, batch)
    await _make_orders(session, source, currency, fresh, customers)
    batch.orders += len(fresh)
    for lines in fresh.values():
        for line in lines:
            batch.add(line, Outcome.TAKEN)


async def _find_known(session: AsyncSession, source: str, references: list[str]) -> dict[str, list[str]]:
    """The products, line by line, of those that were taken before."""
    wanted = (
        select(Order.reference, func.array_agg(Item.sku))
        .join(Item, Item.order_number == Order.number)
        .where(Order.source == source, Order.reference.in_(references))
        .group_by(Order.reference)
    )
    return {str(row[0]): list(row[1]) for row in await session.execute(wanted)}


def _one_customers(invoice: Invoice, batch: Batch) -> list[Line]:
    """The lines that can be taken; reports the others."""
    taken: list[Line] = []
    for line in invoice.lines:
        if line.refusal:
            batch.add(line, Outcome.REFUSED, line.refusal)
        elif taken and line.customer != taken[0].customer:
            batch.add(line, Outcome.REFUSED, "another customer than the invoice's first line")
        else:
            taken.append(line)
    return taken


def _report_known(lines: list[Line], skus: list[str], batch: Batch) -> None:
    """Taken by an earlier run; or the invoice came up already, and its lines do not stand together in the file."""
    if sorted(skus) == sorted(line.sku for line in lines):
        for line in lines:
            batch.add(line, Outcome.TAKEN_BEFORE)
    else:
        _refuse(lines, "an order was made of this invoice already, of other lines", batch)


def _refuse(lines: list[Line], reason: str, batch: Batch) -> None:
    for line in lines:
        batch.add(line, Outcome.REFUSED, reason)


async def _make_customers(session: AsyncSession, fresh: dict[str, list[Line]], batch: Batch) -> dict[str, Any]:
    """The ids of the customers by login; tells of those who are new."""
    wanted: dict[str, dict[str, Any]] = {}
    for number, (first, *_) in fresh.items():
        login = customer_login(number, first)
        who = f"Customer {first.customer}" if first.customer else f"Guest, invoice {number}"
        wanted[login] = {
            "id": uuid4(),
            "login": login,
            "name": who,
            "phone": "",
            "email": f"{login}@import.invalid",
            "shipping_address": first.address,
        }
    rows = sorted(wanted.values(), key=lambda row: str(row["login"]))
    made = await session.execute(
        upsert(Customer).values(rows).on_conflict_do_nothing().returning(Customer.id, Customer.login)
    )
    new = [CustomerRegistered(customer_id=row.id, login=row.login, version=1, at=datetime.now(UTC)) for row in made]
    batch.customers += len(new)
    await outbox.record_all(session, new)
    found = await session.execute(select(Customer.login, Customer.id).where(Customer.login.in_(wanted)))
    return {row.login: row.id for row in found}


async def _make_orders(
    session: AsyncSession, source: str, currency: str, fresh: dict[str, list[Line]], customers: dict[str, Any]
) -> None:
    rows = [
        {
            "customer_id": customers[customer_login(number, lines[0])],
            "status": OrderStatus.AWAITING_PAYMENT.value,
            "currency": currency,
            "delivery_minor": 0,
            "total_minor": sum(line.quantity * line.price_minor for line in lines),
            "shipping_address": lines[0].address,
            "placed_at": lines[0].at,
            "version": 1,
            "source": source,
            "reference": number,
        }
        for number, lines in fresh.items()
    ]
    made = await session.execute(insert(Order).values(rows).returning(Order.reference, Order.number))
    numbers = {row.reference: row.number for row in made}
    items = [
        {
            "order_number": numbers[reference],
            "line": position,
            "sku": line.sku,
            "title": line.title,
            "quantity": line.quantity,
            "unit_price_minor": line.price_minor,
            "status": ItemStatus.AWAITING_PAYMENT.value,
        }
        for reference, lines in fresh.items()
        for position, line in enumerate(lines, 1)
    ]
    await session.execute(insert(Item), items)
    placed: list[Event] = [
        OrderPlaced(
            order_number=f"ORD-{numbers[row['reference']]:010d}",
            customer_id=row["customer_id"],
            status=OrderStatus.AWAITING_PAYMENT,
            currency=currency,
            total_minor=row["total_minor"],
            paid_minor=0,
            remaining_minor=row["total_minor"],
            version=1,
            at=datetime.now(UTC),
        )
        for row in rows
    ]
    await outbox.record_all(session, placed)
