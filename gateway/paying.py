"""Paying, which billing does, for an order, which orders knows."""

from fastapi import Response

from gateway.clients import Services
from gateway.errors import NotKnownYet
from gateway.together import Together
from shared.contracts.http.billing import PayForOrder


async def pay(together: Together, services: Services, number: str, wanted: PayForOrder, key: str) -> Response:
    """Billing's answer. Refuses `NotKnownYet` where billing has yet to hear of an order that there is, and whatever
    orders refuses: that billing knows no such order says nothing alone."""
    answer = await together.payments.ask(services.caller, number, wanted, key)
    if answer.status_code == 404:
        order = await services.orders.ask("GET", f"/orders/{number}")
        if order.status_code == 200:
            raise NotKnownYet
        return order
    return answer
