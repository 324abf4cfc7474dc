"""Live push as Server-Sent Events."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from gateway.asking import Ask, Session, customers_only, staff_only
from gateway.clients import Services
from gateway.live import Live
from gateway.news import AnyNews, OrderStands, Snapshot
from gateway.schemas import Part
from gateway.streams import LiveResponse, frame
from shared.contracts.http.base import Page
from shared.contracts.http.billing import BalanceView
from shared.contracts.http.orders import OrderRow
from shared.contracts.http.support import ShopCounts, TicketCounts

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
async def live_for_staff(request: Request, session: Session, ask: Ask, last_event_id: LastEventId = "") -> Response:
    """What happens in the shop: `snapshot` first (or what was missed), then `order_changed`, `balance_changed`,
    `hold_changed`, `ticket_counts_changed`, `ticket_changed`, `message_added` as it comes, and a `beacon` every
    15 seconds."""
    return _stream(request, session, ask, last_event_id)


@router.get("/api/portal/live", status_code=200, dependencies=[Depends(customers_only)])
async def live_for_customers(request: Request, session: Session, ask: Ask, last_event_id: LastEventId = "") -> Response:
    """What happens to my orders, balance and tickets: `snapshot` first (or what was missed), then as it comes, and a
    `beacon` every 15 seconds."""
    return _stream(request, session, ask, last_event_id)


def _stream(request: Request, session: Session, services: Services, last_event_id: str) -> Response:
    live: Live = request.app.state.live
    stream = live.join(session.caller, session.token_hash)
    # Joined first: what happens while the beginning is gathered is told after it, and told twice rather than never.
    place = live.place
    missed = live.missed(session.caller, last_event_id)

    async def beginning() -> list[bytes]:
        if missed is not None:
            return missed
        async with live.beginnings:
            return [frame(await _snapshot(services), place)]

    return LiveResponse(stream, beginning)


async def _snapshot(ask: Services) -> Snapshot:
    if ask.caller.is_staff:
        counts = await ask.support.part(lambda: ask.support.read(ShopCounts, "/ticket-counts"))
        return Snapshot(shop_counts=counts, unavailable=[] if counts else ["support"])
    me = f"/customers/{ask.caller.customer_id}"
    balance, own_counts, orders = await asyncio.gather(
        ask.billing.part(lambda: ask.billing.read(BalanceView, f"{me}/balance")),
        ask.support.part(lambda: ask.support.read(TicketCounts, f"{me}/ticket-counts")),
        ask.orders.part(lambda: ask.orders.read(Page[OrderRow], "/orders", query=Part(limit=100))),
    )
    parts = {"billing": balance, "support": own_counts, "orders": orders}
    return Snapshot(
        balance=balance,
        ticket_counts=own_counts,
        orders=orders and [OrderStands(number=o.number, status=o.status, version=o.version) for o in orders.items],
        unavailable=[name for name, part in parts.items() if part is None],
    )
