"""Withdrawals that wait for another person of the staff."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from gateway.asking import Ask
from gateway.names import with_names
from gateway.schemas import NamedHold, WhichHolds
from shared.bodies import UnambiguousRoute
from shared.contracts.http.base import Page
from shared.contracts.http.billing import Decide, HoldCounts, HoldView
from shared.web import IdempotencyKey

router = APIRouter(route_class=UnambiguousRoute, tags=["money"])


@router.get("/holds", response_model=Page[NamedHold])
async def list_holds(ask: Ask, which: Annotated[WhichHolds, Query()]) -> Response:
    """Withdrawals that wait for another person's approval, or waited, newest first."""
    return await with_names(ask, await ask.billing.ask("GET", "/holds", query=which))


@router.get("/hold-counts", response_model=HoldCounts)
async def get_hold_counts(ask: Ask) -> Response:
    """How many withdrawals wait."""
    return await ask.billing.ask("GET", "/hold-counts")


@router.get("/holds/{hold_id}", response_model=HoldView)
async def get_hold(ask: Ask, hold_id: UUID) -> Response:
    """A withdrawal that waits, or waited."""
    return await ask.billing.ask("GET", f"/holds/{hold_id}")


@router.post("/holds/{hold_id}/approval", response_model=HoldView)
async def approve_withdrawal(ask: Ask, hold_id: UUID, key: IdempotencyKey, decision: Decide | None = None) -> Response:
    """Let a withdrawal happen that somebody else asked for."""
    return await ask.billing.ask("POST", f"/holds/{hold_id}/approval", decision or Decide(), key=key)


@router.post("/holds/{hold_id}/refusal", response_model=HoldView)
async def refuse_withdrawal(ask: Ask, hold_id: UUID, key: IdempotencyKey, decision: Decide | None = None) -> Response:
    """Make its money available again; whoever asked for it takes it back so."""
    return await ask.billing.ask("POST", f"/holds/{hold_id}/refusal", decision or Decide(), key=key)
