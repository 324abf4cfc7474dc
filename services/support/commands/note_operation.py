"""Money moved for an order: its conversations say so, those that are there and those to come."""

from typing import Literal

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries
from services.support.models import Operation
from shared.contracts.billing import InvoiceFacts


async def note_operation(session: AsyncSession, told: InvoiceFacts, kind: Literal["paid", "refunded"]) -> None:
    """Once per transfer, however often it is told."""
    await queries.lock_conversations_about(session, told.order_number)
    noted = await session.execute(
        insert(Operation)
        .values(
            transfer_id=told.transfer_id,
            order_number=told.order_number,
            customer_id=told.customer_id,
            kind=kind,
            amount_minor=told.amount_minor,
            currency=told.currency,
            at=told.at,
        )
        .on_conflict_do_nothing()
        .returning(Operation)
    )
    operation = noted.scalar_one_or_none()
    if operation is None:
        return
    for ticket in await queries.lock_tickets_about(session, told.order_number, told.customer_id):
        before = conversation.Before(ticket)
        message = conversation.note(ticket, operation)
        session.add(message)
        await conversation.tell(session, ticket, before, message, operation)
