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


class Asked(Request, Generic[T, W]):
    """One of many: what somebody wants of `thing`, with what the headers would say if it was asked alone."""

    thing: T
    wanted: W
    login: _Word
    role: Literal["customer", "operator", "financier", "admin"]
    customer_id: UUID | None = None
    idempotency_key: _Word
    correlation_id: _Word | None = None
    traceparent: _Word | None = None

    @model_validator(mode="after")
    def _only_a_customer_is_one(self) -> Self:
        if (self.role == "customer") != (self.customer_id is not None):
            raise ValueError("a customer, and nobody else, has a customer's id")
        return self


class Answer(View):
    """What it would be answered alone."""

    status: int
    body: str
    retry_after: str | None = None


PaymentAsked = Asked[OrderNumber, PayForOrder]
MessageAsked = Asked[UUID, AddMessage]


@dataclass(frozen=True)
class Kind:
    """What can be asked so: of which service, where for many, and where for one thing, an order or a ticket."""

    service: str
    path: str
    route: str
    asked: type[Asked[Any, Any]]

    def path_of_one(self, thing: object) -> str:
        """Where it is asked alone."""
        before, _, rest = self.route.partition("{")
        return f"{before}{thing}{rest.partition('}')[2]}"


PAYMENTS = Kind("billing", "/payments", "/orders/{order_number}/payments", PaymentAsked)
MESSAGES = Kind("support", "/messages", "/tickets/{ticket_id}/messages", MessageAsked)
