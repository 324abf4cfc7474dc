"""A withdrawal that nobody has approved or refused in time is given up."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger, queries
from shared import outbox
from shared.contracts.http.billing import HoldState


async def expire_withdrawal(session: AsyncSession) -> bool:
    """Make the money of one such withdrawal available again; False where there is none."""
    now = datetime.now(UTC)
    hold = await queries.lock_due_hold(session, now)
    if hold is None:
        return False
    version = await ledger.release(session, hold.customer_id, hold.currency, hold.amount_minor)
    hold.give_up(HoldState.EXPIRED, None, now, None, version)
    await outbox.record(session, hold.told())
    return True
