"""What live push says, as browsers read it: `event:` is a class's name here in small letters, `data:` its JSON."""

import re
from uuid import UUID

from pydantic import Field

from shared.contracts.base import OrderNumber
from shared.contracts.http.base import View
from shared.contracts.http.billing import BalanceView, HoldState
from shared.contracts.http.orders import OrderStands
from shared.contracts.http.support import MessageView, ShopCounts, TicketCounts, TicketStatus
from shared.contracts.orders import OrderStatus


class News(View):
    """Something a browser is told. Figures are absolute and versioned: an older version is out of date."""

    @classmethod
    def event(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class OrderChanged(News):
    number: OrderNumber
    customer_id: UUID
    status: OrderStatus
    version: int
    total_minor: int
    paid_minor: int
    remaining_minor: int


class BalanceChanged(News):
    customer_id: UUID
    currency: str
    balance_minor: int
    held_minor: int
    available_minor: int
    version: int


class HoldChanged(News):
    """For staff only: a withdrawal waits for approval, or does so no longer."""

    hold_id: UUID
    customer_id: UUID
    amount_minor: int
    currency: str
    state: HoldState
    version: int


class TicketCountsChanged(News):
    customer_id: UUID
    new: int
    total: int
    answered: int
    version: int
    shop_new: int | None = Field(None, description="For staff only: new tickets of all customers.")
    shop_version: int | None = Field(None, description="For staff only.")


class TicketChanged(News):
    ticket_id: UUID
    customer_id: UUID
    order_number: OrderNumber | None
    status: TicketStatus
    new: bool
    answered: bool
    version: int


class MessageAdded(News):
    ticket_id: UUID
    customer_id: UUID
    message: MessageView


class Snapshot(News):
    """How things stand when a stream begins: for staff the shop's count, for a customer their own. A part is null where
    it is not theirs, or where its service is `unavailable`."""

    shop_counts: ShopCounts | None = None
    balance: BalanceView | None = None
    ticket_counts: TicketCounts | None = None
    orders: list[OrderStands] | None = Field(None, description="The newest 100.")
    unavailable: list[str]


class Beacon(News):
    """A sign of life, every 15 seconds, with the count of all other events that this stream was told so far.

    Whoever has seen another number has missed something, and begins anew without Last-Event-ID.
    """

    told: int


AnyNews = (
    Beacon | Snapshot | OrderChanged | BalanceChanged | HoldChanged | TicketCountsChanged | TicketChanged | MessageAdded
)
