"""Orders' door for events: each reaction is one call."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.commands.mark_orders_paid import mark_orders_paid
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.inbox import Heard
from shared.worker import Reactions

reactions = Reactions("orders")


@reactions.on_many(OrderPaid)
async def on_order_paid(heard: Sequence[Heard[OrderPaid]], session: AsyncSession) -> None:
    await mark_orders_paid(session, heard)


@reactions.on_many(OrderRefunded)
async def on_order_refunded(heard: Sequence[Heard[OrderRefunded]], session: AsyncSession) -> None:
    await mark_orders_paid(session, heard)
