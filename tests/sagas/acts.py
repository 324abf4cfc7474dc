"""What people do to an order, and what the services hear of it."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.update_invoice import update_invoice
from services.orders.commands.amend_item import accept_price, amend_item
from services.orders.commands.cancel_order import cancel_order
from services.orders.commands.mark_orders_paid import mark_orders_paid, mark_orders_paid_held
from shared.contracts.base import Event
from shared.contracts.billing import InvoiceFacts
from shared.contracts.http.billing import PayForOrder
from shared.contracts.http.orders import AmendItem, ItemStatus
from shared.contracts.orders import OrderFacts
from shared.inbox import Heard
from tests.payments import pay
from tests.sagas.shop import STAFF


@dataclass(frozen=True)
class Pay:
    """So much, or what remains, which may have to be what was seen."""

    amount_minor: int | None = None
    seen_minor: int | None = None

    async def __call__(self, session: AsyncSession, number: str) -> None:
        await pay(session, STAFF, number, self.wanted)

    @property
    def wanted(self) -> PayForOrder:
        return PayForOrder(amount_minor=self.amount_minor, expected_remaining_minor=self.seen_minor)


@dataclass(frozen=True)
class Amend:
    line: int
    wanted: AmendItem

    async def __call__(self, session: AsyncSession, number: str) -> None:
        await amend_item(session, STAFF, number, self.line, self.wanted)


@dataclass(frozen=True)
class Accept:
    line: int

    async def __call__(self, session: AsyncSession, number: str) -> None:
        await accept_price(session, STAFF, number, self.line)


@dataclass(frozen=True)
class Cancel:
    async def __call__(self, session: AsyncSession, number: str) -> None:
        await cancel_order(session, STAFF, number, None)


Act = Pay | Amend | Accept | Cancel


def pieces(line: int, quantity: int) -> Amend:
    return Amend(line, AmendItem(quantity=quantity))


def price(line: int, price_minor: int) -> Amend:
    return Amend(line, AmendItem(unit_price_minor=price_minor))


def dies(line: int) -> Amend:
    return Amend(line, AmendItem(status=ItemStatus.UNABLE_TO_DELIVER))


async def hear(session: AsyncSession, event: Event) -> None:
    """Take an event without an inbox: its version must be enough."""
    if isinstance(event, OrderFacts):
        await update_invoice(session, event, getattr(event, "line", None))
    elif isinstance(event, InvoiceFacts):
        taken = [(uuid4(), Heard(event))]
        if not await mark_orders_paid(session, taken):
            await mark_orders_paid_held(session, taken)
