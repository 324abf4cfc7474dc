"""Billing told what was paid for an order: the order, and its payable items, stand where that puts them."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from shared import outbox
from shared.contracts.billing import InvoiceFacts
from shared.contracts.orders import OrderChanged


async def mark_order_paid(session: AsyncSession, told: InvoiceFacts) -> None:
    """Facts are absolute: the newest counts, an older one that comes late changes nothing."""
    order = await queries.lock_known_order(session, told.order_number)
    if order.take_payment_facts(told):
        order.settle()
        order.version += 1
        await outbox.record(session, OrderChanged(**order.facts()))
