"""What the services tell, as the gateway hears it."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.contracts.billing import BalanceChanged, HoldChanged
from shared.contracts.http.billing import HoldState
from shared.contracts.http.support import Author, MessageView, TicketStatus
from shared.contracts.orders import OrderChanged, OrderStatus
from shared.contracts.support import TicketChanged, TicketCountsChanged

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def order_changed(customer_id: UUID, version: int = 2) -> OrderChanged:
    return OrderChanged(
        order_number="ORD-0000000023", customer_id=customer_id, status=OrderStatus.PAID, currency="USD",
        total_minor=5, paid_minor=5, remaining_minor=0, version=version, at=NOW,
    )  # fmt: skip


def counts_changed(customer_id: UUID) -> TicketCountsChanged:
    return TicketCountsChanged(
        customer_id=customer_id, new=1, total=2, answered=0, shop_new=7, shop_version=9, version=3, at=NOW
    )


def ticket_changed(customer_id: UUID, author: Author) -> TicketChanged:
    message = MessageView(id=uuid4(), seq=1, author=author, author_login="oper", text="Hello", at=NOW)
    return TicketChanged(
        ticket_id=uuid4(), customer_id=customer_id, order_number=None, status=TicketStatus.OPEN, new=False,
        answered=True, message=message, version=2, at=NOW,
    )  # fmt: skip


def balance_changed(customer_id: UUID) -> BalanceChanged:
    return BalanceChanged(
        customer_id=customer_id, currency="USD", balance_minor=9, held_minor=1, available_minor=8, version=4, at=NOW
    )


def hold_changed(customer_id: UUID) -> HoldChanged:
    return HoldChanged(
        hold_id=uuid4(), customer_id=customer_id, amount_minor=150_000, currency="USD", state=HoldState.WAITING,
        version=1, at=NOW,
    )  # fmt: skip
