"""A withdrawal that waits is refused, or taken back by whoever asked for it."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger, queries, views
from services.billing.errors import AlreadyDecided
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.billing import Decide, HoldState, HoldView


async def refuse_withdrawal(session: AsyncSession, caller: Caller, hold_id: UUID, decision: Decide) -> HoldView:
    """Make its money available again. Refuses `Forbidden`, `UnknownHold`, `AlreadyDecided`."""
    caller.require_money_right()
    hold = await queries.lock_hold(session, hold_id)
    if not hold.is_waiting:
        raise AlreadyDecided(hold.state, hold.decided_by)
    version = await ledger.release(session, hold.customer_id, hold.currency, hold.amount_minor)
    hold.give_up(HoldState.REFUSED, caller.login, datetime.now(UTC), decision.note, version)
    await outbox.record(session, hold.told())
    await record_act(session, caller, "refuse_withdrawal", str(hold.customer_id), decision.note, **hold.facts())
    return views.hold_view(hold, caller)
