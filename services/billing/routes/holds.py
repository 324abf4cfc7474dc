"""Withdrawals that wait for another person of the staff."""

from uuid import UUID

from fastapi import APIRouter

from services.billing import queries, views
from services.billing.commands.approve_withdrawal import approve_withdrawal
from services.billing.commands.refuse_withdrawal import refuse_withdrawal
from services.billing.routes.asking import NOTED
from shared.bodies import UnambiguousRoute
from shared.contracts.http.base import Page
from shared.contracts.http.billing import Decide, HoldCounts, HoldState, HoldView
from shared.cursors import Cursor, Limit, decode_place, encode_place
from shared.web import Asking, Once, Reading, Session

router = APIRouter(route_class=UnambiguousRoute, tags=["billing"])


@router.get("/holds")
async def list_holds(
    session: Reading,
    caller: Asking,
    state: HoldState | None = None,
    customer_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[HoldView]:
    """Withdrawals that wait for another person's approval, or waited, newest first."""
    caller.require_staff()
    found = await queries.list_holds(session, customer_id, state, decode_place(cursor), limit + 1)
    shown = found[:limit]
    next_ = encode_place(shown[-1].asked_at, shown[-1].id) if len(found) > limit else None
    return Page(items=[views.hold_view(hold, caller) for hold in shown], next=next_)


@router.get("/hold-counts")
async def get_hold_counts(session: Reading, caller: Asking) -> HoldCounts:
    """How many withdrawals wait."""
    caller.require_staff()
    return HoldCounts(waiting=await queries.count_waiting_holds(session))


@router.get("/holds/{hold_id}")
async def get_hold(hold_id: UUID, session: Reading, caller: Asking) -> HoldView:
    """A withdrawal that waits, or waited."""
    caller.require_staff()
    return views.hold_view(await queries.get_hold(session, hold_id), caller)


@router.post("/holds/{hold_id}/approval", dependencies=NOTED)
async def approve(hold_id: UUID, decision: Decide, session: Session, caller: Asking, once: Once) -> HoldView:
    """Let it happen; not one's own."""
    return await once(HoldView, lambda: approve_withdrawal(session, caller, hold_id, decision))


@router.post("/holds/{hold_id}/refusal", dependencies=NOTED)
async def refuse(hold_id: UUID, decision: Decide, session: Session, caller: Asking, once: Once) -> HoldView:
    """Make its money available again; whoever asked for it takes it back so."""
    return await once(HoldView, lambda: refuse_withdrawal(session, caller, hold_id, decision))
