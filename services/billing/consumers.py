"""Billing's door for events: each reaction is one call."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.update_invoice import update_invoice
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderPlaced
from shared.worker import Reactions

reactions = Reactions("billing")


@reactions.on(OrderPlaced)
async def on_order_placed(event: OrderPlaced, session: AsyncSession) -> None:
    await update_invoice(session, event)


@reactions.on(OrderAmended)
async def on_order_amended(event: OrderAmended, session: AsyncSession) -> None:
    await update_invoice(session, event, event.line)


@reactions.on(OrderCancelled)
async def on_order_cancelled(event: OrderCancelled, session: AsyncSession) -> None:
    await update_invoice(session, event)
