"""What does not add up: for all staff to see."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.reconciliation import findings
from gateway.schemas import FindingsPage, FindingView, WhichFindings
from shared.bodies import UnambiguousRoute
from shared.cursors import decode_cursor, encode_cursor
from shared.web import Reading

router = APIRouter(route_class=UnambiguousRoute, prefix="/findings", tags=["findings"])


@router.get("")
async def list_findings(session: Reading, which: Annotated[WhichFindings, Query()]) -> FindingsPage:
    """What does not add up between orders, billing and support, newest first; also what by now does."""
    [before] = decode_cursor(which.cursor, int) if which.cursor else [None]
    found = await findings.list_findings(session, which.resolved, before, which.limit + 1)
    shown = found[: which.limit]
    return FindingsPage(
        items=[FindingView.model_validate(finding, from_attributes=True) for finding in shown],
        next=encode_cursor(shown[-1].id) if len(found) > which.limit else None,
        reconciled_at=await findings.find_last_round(session),
    )
