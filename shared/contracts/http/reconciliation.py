"""What the services tell of their books, page by page, so that the gateway can hold them against each other."""

from uuid import UUID

from pydantic import Field

from shared.contracts.base import OrderNumber
from shared.contracts.http.base import View
from shared.contracts.orders import OrderStatus


class OrderPosition(View):
    """An order as it is kept, and as it would follow from its items and from what was paid."""

    order_number: OrderNumber
    customer_id: UUID
    currency: str
    status: OrderStatus
    total_minor: int
    paid_minor: int
    version: int
    billing_version: int = Field(description="The newest version of the invoice that orders has heard of.")
    settled_status: OrderStatus
    settled_total_minor: int
    misplaced_items: int = Field(description="Items that do not stand where the order puts them.")


class InvoiceFigures(View):
    """An invoice as it is kept."""

    customer_id: UUID
    currency: str
    total_minor: int
    paid_minor: int
    cancelled: bool
    order_version: int = Field(description="The newest version of the order that changed what it costs.")
    version: int


class InvoicePosition(View):
    """What billing holds of an order; `invoice` is null where money moved for an order that it has no invoice for."""

    order_number: OrderNumber
    invoice: InvoiceFigures | None
    transferred_minor: int = Field(description="Payments less refunds, by the ledger.")


class AccountPosition(View):
    """A customer's money as it is kept, and as it follows from the transfers and from the withdrawals that wait."""

    customer_id: UUID
    balance_minor: int
    held_minor: int
    version: int
    transferred_minor: int
    waiting_minor: int
    changes: int = Field(description="Transfers, holds begun, holds released: each is one version.")
    last_version: int = Field(description="Of the newest of these; 0 without one.")


class CountsPosition(View):
    """A customer's tickets as they are kept counted, and counted anew."""

    customer_id: UUID
    total: int
    new: int
    answered: int
    counted_total: int
    counted_new: int
    counted_answered: int


class ShopCountPosition(View):
    """New tickets of all customers, as they are kept counted, and counted anew."""

    new: int
    counted_new: int


class ToldAgain(View):
    """Facts were told again, as this version."""

    version: int
