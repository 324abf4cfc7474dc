"""What the gateway asks of a service for many people in one request, as each of them could be asked alone."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import StringConstraints, model_validator

from shared.contracts.base import OrderNumber
from shared.contracts.http.base import Request, View
from shared.contracts.http.billing import PayForOrder
from shared.contracts.http.support import AddMessage

MOST = 64
# A service takes no larger body than the gateway does; what does not fit is asked alone.
MOST_BYTES = 60_000

T = TypeVar("T")
W = TypeVar("W", bound=Request)
_Word = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]


class Asked(Request, Generic[T]):
    """One of many, who wants to see `thing`, with what the headers would say if it was asked alone."""

    thing: T
    login: _Word
    role: Literal["customer", "operator", "financier", "admin"]
    customer_id: UUID | None = None
    correlation_id: _Word | None = None
    traceparent: _Word | None = None

    @model_validator(mode="after")
    def _only_a_customer_is_one(self) -> Self:
        if (self.role == "customer") != (self.customer_id is not None):
            raise ValueError("a customer, and nobody else, has a customer's id")
        return self


class Wanted(Asked[T], Generic[T, W]):
    """One of many, who wants something done with `thing`."""

    wanted: W
    idempotency_key: _Word


class Answer(View):
    """What it would be answered alone."""

    status: int
    body: str
    retry_after: str | None = None


OrderAsked = Asked[OrderNumber]
CustomerAsked = Asked[UUID]
PaymentWanted = Wanted[OrderNumber, PayForOrder]
MessageWanted = Wanted[UUID, AddMessage]


@dataclass(frozen=True)
class Kind:
    """What can be asked so: of which service, where for many, and how for one order, ticket or customer."""

    service: str
    path: str
    method: str
    route: str
    asked: type[Asked[Any]]

    def path_of_one(self, thing: object) -> str:
        """Where it is asked alone."""
        before, _, rest = self.route.partition("{")
        return f"{before}{thing}{rest.partition('}')[2]}"


ORDERS = Kind("orders", "/for-many/orders", "GET", "/orders/{number}", OrderAsked)
INVOICES = Kind("billing", "/for-many/invoices", "GET", "/orders/{order_number}/invoice", OrderAsked)
TICKET_COUNTS = Kind(
    "support", "/for-many/ticket-counts", "GET", "/customers/{customer_id}/ticket-counts", CustomerAsked
)
PAYMENTS = Kind("billing", "/payments", "POST", "/orders/{order_number}/payments", PaymentWanted)
MESSAGES = Kind("support", "/messages", "POST", "/tickets/{ticket_id}/messages", MessageWanted)
ALL = (ORDERS, INVOICES, TICKET_COUNTS, PAYMENTS, MESSAGES)
