"""Bodies of the support service."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from shared.contracts.base import OrderNumber, Said
from shared.contracts.http.base import Request, View

Subject = Annotated[Said, StringConstraints(max_length=200)]
Words = Annotated[Said, StringConstraints(max_length=10_000)]


class TicketStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Author(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


class BeginTicket(Request):
    """Begin a conversation."""

    subject: Subject
    text: Words
    order_number: OrderNumber | None = None


class AddMessage(Request):
    """Say something in a conversation."""

    text: Words


class ReadTicket(Request):
    """Which message was the last one seen; left out: the newest. What came later stays unread."""

    up_to: Annotated[int, Field(strict=True, ge=1, le=10**9)] | None = Field(None, description="A message's `seq`.")


class Operation(View):
    """Money that moved for the order, as a line of its conversation."""

    kind: Literal["paid", "refunded"]
    transfer_id: UUID
    amount_minor: int
    currency: str


class MessageView(View):
    """One text in a ticket; `seq` counts them from 1."""

    id: UUID
    seq: int
    author: Author
    author_login: str | None
    text: str
    at: AwareDatetime
    operation: Operation | None = None


class TicketRow(View):
    """A conversation in a list."""

    id: UUID
    customer_id: UUID
    order_number: OrderNumber | None
    subject: str
    status: TicketStatus
    new: bool = Field(description="It holds a customer's message that staff have not read.")
    answered: bool = Field(description="It holds staff's message that the customer has not read.")
    messages: int
    begun_at: AwareDatetime
    changed_at: AwareDatetime
    version: int


class TicketView(View):
    """A conversation: its newest messages, newest last; `earlier` is the cursor of those before, null at the start."""

    ticket: TicketRow
    messages: list[MessageView]
    earlier: str | None


class TicketCounts(View):
    """A customer's tickets, counted."""

    customer_id: UUID
    new: int
    total: int
    answered: int
    version: int


class ShopCounts(View):
    """New tickets of all customers."""

    new: int
    version: int
