"""Support's door for events: each reaction is one call."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.support.commands.note_operation import note_operation
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.worker import Reactions

reactions = Reactions("support")


@reactions.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: AsyncSession) -> None:
    await note_operation(session, event, "paid")


@reactions.on(OrderRefunded)
async def on_order_refunded(event: OrderRefunded, session: AsyncSession) -> None:
    await note_operation(session, event, "refunded")
