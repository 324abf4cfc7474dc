"""Orders' door for events: each reaction is one call."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.commands.mark_order_paid import mark_order_paid
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.worker import Reactions

reactions = Reactions("orders")


@reactions.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: AsyncSession) -> None:
    await mark_order_paid(session, event)


@reactions.on(OrderRefunded)
async def on_order_refunded(event: OrderRefunded, session: AsyncSession) -> None:
    await mark_order_paid(session, event)
