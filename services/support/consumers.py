"""Support's door for events: each reaction is one call."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.support.commands.note_operations import note_operations
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.inbox import Heard
from shared.worker import Reactions

reactions = Reactions("support")


@reactions.on_many(OrderPaid)
async def on_order_paid(heard: Sequence[Heard[OrderPaid]], session: AsyncSession) -> None:
    await note_operations(session, heard, "paid")


@reactions.on_many(OrderRefunded)
async def on_order_refunded(heard: Sequence[Heard[OrderRefunded]], session: AsyncSession) -> None:
    await note_operations(session, heard, "refunded")
