"""The conversations of the whole shop: support knows them, orders knows whose they are."""

from uuid import UUID

from fastapi import Response

from gateway.clients import Services, parse
from gateway.schemas import ShopTicketRow, TheseCustomers
from shared.contracts.http.base import Page
from shared.contracts.http.orders import CustomerView
from shared.contracts.http.support import TicketRow


async def with_names(services: Services, answer: Response) -> Response:
    """Put each customer's name beside their conversation; a refusal stays as it is."""
    if answer.status_code >= 400:
        return answer
    page = parse(Page[TicketRow], answer)
    names = await _names(services, {row.customer_id for row in page.items})
    rows = [ShopTicketRow(**row.model_dump(), customer_name=names.get(row.customer_id)) for row in page.items]
    named = Page[ShopTicketRow](items=rows, next=page.next)
    return Response(named.model_dump_json(), answer.status_code, media_type="application/json")


async def _names(services: Services, ids: set[UUID]) -> dict[UUID, str]:
    """Without orders the list is there all the same, without names."""
    if not ids:
        return {}
    wanted = TheseCustomers(id=sorted(ids), limit=100)
    found = await services.orders.part(lambda: services.orders.read(Page[CustomerView], "/customers", query=wanted))
    return {customer.id: customer.name for customer in found.items} if found else {}
