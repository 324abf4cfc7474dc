"""Live push as Server-Sent Events."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from gateway.asking import Session, customers_only, staff_only
from gateway.beginnings import Beginnings
from gateway.live import Live
from gateway.news import AnyNews
from gateway.streams import LiveResponse, frame

NEWS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": AnyNews,
        "description": "Each event's `data`.",
        # FastAPI would say that a stream is a string.
        "content": {"text/event-stream": {"schema": {"type": "object"}}},
    }
}
router = APIRouter(tags=["live"], responses=NEWS, default_response_class=LiveResponse)
LastEventId = Annotated[str, Header(alias="Last-Event-ID", max_length=100, description="Where the last stream broke.")]


@router.get("/api/admin/live", status_code=200, dependencies=[Depends(staff_only)])
async def live_for_staff(request: Request, session: Session, last_event_id: LastEventId = "") -> Response:
    """What happens in the shop: `snapshot` first (or what was missed), then `order_changed`, `balance_changed`,
    `hold_changed`, `ticket_counts_changed`, `ticket_changed`, `message_added` as it comes, and a `beacon` every
    15 seconds."""
    return _stream(request, session, last_event_id)


@router.get("/api/portal/live", status_code=200, dependencies=[Depends(customers_only)])
async def live_for_customers(request: Request, session: Session, last_event_id: LastEventId = "") -> Response:
    """What happens to my orders, balance and tickets: `snapshot` first (or what was missed), then as it comes, and a
    `beacon` every 15 seconds."""
    return _stream(request, session, last_event_id)


def _stream(request: Request, session: Session, last_event_id: str) -> Response:
    live: Live = request.app.state.live
    beginnings: Beginnings = request.app.state.beginnings
    stream = live.join(session.caller, session.token_hash)
    # Joined first: what happens while the beginning is gathered is told after it, and told twice rather than never.
    place = live.place
    missed = live.missed(session.caller, last_event_id)

    async def beginning() -> list[bytes]:
        if missed is not None:
            return missed
        return [frame(await beginnings.of(session.caller), place)]

    return LiveResponse(stream, beginning)
