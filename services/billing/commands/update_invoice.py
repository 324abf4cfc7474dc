"""The orders service told what an order costs now: billing takes it over, and gives back what was paid beyond it."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger, queries
from services.billing.models import Invoice
from shared import outbox
from shared.contracts.billing import OrderRefunded
from shared.contracts.http.billing import TransferKind
from shared.contracts.orders import OrderFacts, OrderStatus


async def update_invoice(session: AsyncSession, order: OrderFacts, line: int | None = None) -> None:
    """Facts are absolute: the newest version counts, an older one that comes late changes nothing."""
    cancelled = order.status is OrderStatus.CANCELLED
    issued = await session.execute(
        insert(Invoice)
        .values(
            order_number=order.order_number,
            customer_id=order.customer_id,
            currency=order.currency,
            total_minor=order.total_minor,
            order_version=order.version,
            cancelled=cancelled,
        )
        .on_conflict_do_nothing()
        .returning(Invoice.order_number)
    )
    if issued.first() is not None:
        return
    invoice = await queries.lock_known_invoice(session, order.order_number)
    if order.version <= invoice.order_version:
        return
    surplus_minor = invoice.amend(order.total_minor, order.version, cancelled)
    if surplus_minor:
        await _give_back(session, invoice, surplus_minor, line)


async def _give_back(session: AsyncSession, invoice: Invoice, amount_minor: int, line: int | None) -> None:
    reason = ledger.Reason(
        TransferKind.REFUND,
        made_by="purser",
        order_number=invoice.order_number,
        order_version=invoice.order_version,
        line=line,
    )
    moved = await ledger.transfer(session, invoice.customer_id, invoice.currency, amount_minor, reason)
    facts = invoice.facts(moved.transfer_id, amount_minor)
    await outbox.record(session, OrderRefunded(**facts, line=line))
