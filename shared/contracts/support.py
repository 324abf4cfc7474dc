"""What the support service tells."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Event, OrderNumber, Version
from shared.contracts.http.support import MessageView, TicketStatus

Count = Annotated[int, Field(strict=True, ge=0)]


class TicketCountsChanged(
    Event, routing_key="support.ticket_counts_changed.v1", aggregate="ticket_counts", subject="customer_id"
):
    """A customer's tickets, counted. Absolute, so that a lost or repeated one skews nothing."""

    customer_id: UUID
    new: Count
    """Tickets that hold a customer's message which staff have not read."""
    total: Count
    answered: Count
    """Tickets that hold staff's message which the customer has not read."""
    shop_new: Count
    """New tickets of all customers together."""
    shop_version: Version


class TicketChanged(Event, routing_key="support.ticket_changed.v1", aggregate="ticket", subject="ticket_id"):
    """A conversation was begun, read, answered, closed or opened again; with the message where one was added."""

    ticket_id: UUID
    customer_id: UUID
    order_number: OrderNumber | None
    status: TicketStatus
    new: bool
    answered: bool
    message: MessageView | None
