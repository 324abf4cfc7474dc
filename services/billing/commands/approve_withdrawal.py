"""Another person lets a withdrawal happen that waits."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger, queries, views
from services.billing.errors import AlreadyDecided, HoldExpired, OwnRequest
from services.billing.holds import Hold
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.billing import Decide, HoldState, HoldView, TransferKind


async def approve_withdrawal(session: AsyncSession, caller: Caller, hold_id: UUID, decision: Decide) -> HoldView:
    """Withdraw what was held. Refuses `Forbidden`, `UnknownHold`, `OwnRequest`, `AlreadyDecided`, `HoldExpired`."""
    caller.require_money_right()
    hold = await queries.lock_hold(session, hold_id)
    now = datetime.now(UTC)
    _agree(hold, caller, now)
    reason = ledger.Reason(TransferKind.WITHDRAWAL, caller.login, hold.note, hold.staff_note)
    moved = await ledger.transfer_held(session, hold.customer_id, hold.currency, hold.amount_minor, reason)
    hold.approve(caller.login, now, decision.note, moved.transfer_id)
    await outbox.record(session, hold.told())
    await record_act(
        session,
        caller,
        "approve_withdrawal",
        str(hold.customer_id),
        decision.note,
        **hold.facts(),
        transfer_id=str(moved.transfer_id),
        balance_minor=moved.balance_minor,
        balance_minor_before=moved.balance_before_minor,
    )
    return views.hold_view(hold, caller)


def _agree(hold: Hold, caller: Caller, now: datetime) -> None:
    if hold.state == HoldState.EXPIRED or (hold.is_waiting and now > hold.expires_at):
        raise HoldExpired
    if not hold.is_waiting:
        raise AlreadyDecided(hold.state, hold.decided_by)
    if hold.asked_by == caller.login:
        raise OwnRequest
