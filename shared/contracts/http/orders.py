"""Bodies of the orders service."""

from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from shared.contracts.base import Currency, OrderNumber, Price, Said, Text
from shared.contracts.http.base import Address, Note, Request, View
from shared.contracts.orders import OrderStatus

# One person's, however they write it.
Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$", to_lower=True)]
Name = Annotated[Said, StringConstraints(max_length=200)]
Phone = Annotated[Text, StringConstraints(max_length=50)]
Email = Annotated[Text, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class ItemStatus(StrEnum):
    """Where an item stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    PRICE_CONFIRMATION = "price_confirmation"
    ORDERED = "ordered"
    RECEIVED = "received"
    PACKED = "packed"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    RETURNED_TO_SUPPLIER = "returned_to_supplier"
    UNABLE_TO_DELIVER = "unable_to_deliver"
    CANCELLED = "cancelled"


class OrderGroup(StrEnum):
    """How a customer looks for an order."""

    AWAITING_PAYMENT = "awaiting_payment"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class NewItem(Request):
    """A line to order."""

    sku: Annotated[Said, StringConstraints(max_length=100)]
    title: Annotated[Said, StringConstraints(max_length=300)]
    quantity: Quantity
    unit_price_minor: Price


class PlaceOrder(Request):
    """Place an order for a customer."""

    customer_id: UUID
    currency: Currency
    delivery_minor: Price = 0
    shipping_address: Address
    items: Annotated[list[NewItem], Field(min_length=1, max_length=1000)]


class AmendItem(Request):
    """Change an item; what is left out stays."""

    status: ItemStatus | None = None
    unit_price_minor: Price | None = None
    quantity: Quantity | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("name at least one of status, unit_price_minor, quantity")
        return self


class CancelOrder(Request):
    reason: Note | None = None


class RegisterCustomer(Request):
    """A new customer."""

    login: Login
    name: Name
    phone: Phone = ""
    email: Email
    shipping_address: Address = ""


class CustomerView(View):
    id: UUID
    login: str
    name: str
    phone: str
    email: str
    shipping_address: str


class OrderRow(View):
    """An order in a list."""

    number: OrderNumber
    status: OrderStatus
    placed_at: AwareDatetime
    currency: str
    total_minor: int
    paid_minor: int
    remaining_minor: int
    version: int
    customer_id: UUID
    customer_name: str
    customer_email: str


class OrderStands(View):
    number: OrderNumber
    status: OrderStatus
    version: int


class NewestOrders(View):
    """How a customer's newest orders stand."""

    customer_id: UUID
    orders: list[OrderStands]


class StatusCount(View):
    status: ItemStatus
    count: int


class ItemView(View):
    line: int
    sku: str
    title: str
    quantity: int
    unit_price_minor: int
    total_minor: int
    status: ItemStatus
    actions: list[str] = Field(
        description="What the asking person may do with it: a status it may be set to, `set_price`, `set_quantity`, "
        "or `accept_price`."
    )


class OrderView(View):
    """An order as the orders service knows it."""

    number: OrderNumber
    status: OrderStatus
    placed_at: AwareDatetime
    currency: str
    subtotal_minor: int
    delivery_minor: int
    total_minor: int
    paid_minor: int
    remaining_minor: int
    version: int
    shipping_address: str
    item_counts: list[StatusCount]
    items: list[ItemView]
    customer: CustomerView
    active_orders: list[OrderNumber] = Field(
        description="The customer's other orders that are neither completed nor cancelled."
    )
    actions: list[Literal["cancel"]]
