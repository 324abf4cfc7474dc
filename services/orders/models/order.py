"""The table of orders, and what an order does."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.orders.errors import NotCancellable, TotalTooLarge, UnknownItem
from services.orders.models.base import Base, one_of
from services.orders.models.customer import Customer
from services.orders.models.item import Item
from services.orders.standing import order_status
from shared.contracts.base import LARGEST_AMOUNT_MINOR
from shared.contracts.billing import InvoiceFacts
from shared.contracts.http.orders import ItemStatus
from shared.contracts.orders import OrderStatus


def order_name(number: int) -> str:
    """How people and programs call the order."""
    return f"ORD-{number:010d}"


def number_of(name: str) -> int:
    return int(name.removeprefix("ORD-"))


class Order(Base):
    """What a customer wants, what it costs, and how far it is."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(one_of("status", OrderStatus), "status_known"),
        CheckConstraint("delivery_minor >= 0 AND total_minor >= 0 AND paid_minor >= 0", "nothing_negative"),
        CheckConstraint("status <> 'cancelled' OR total_minor = 0", "cancelled_costs_nothing"),
        Index("ix_orders_customer_id_number", "customer_id", "number"),
        Index("ix_orders_status_number", "status", "number"),
        # Few, and asked for every few seconds.
        Index("ix_orders_overpaid", "number", postgresql_where=text("paid_minor > total_minor")),
        # "Ends in 0023" is "begins with 3200" read backwards.
        Index(
            "ix_orders_last_digits",
            literal_column("reverse(lpad(number::text, 10, '0'))").label("backwards"),
            postgresql_ops={"backwards": "text_pattern_ops"},
        ),
    )

    number: Mapped[int] = mapped_column(Identity(), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    status: Mapped[str]
    currency: Mapped[str]
    delivery_minor: Mapped[int]
    total_minor: Mapped[int]
    paid_minor: Mapped[int] = mapped_column(server_default=text("0"))
    shipping_address: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    version: Mapped[int]
    billing_version: Mapped[int] = mapped_column(server_default=text("0"))
    first_paid_in_full_at: Mapped[datetime | None]
    # The newest of its versions for which, by billing's word, nothing remained to pay.
    paid_version: Mapped[int] = mapped_column(server_default=text("0"))

    customer: Mapped[Customer] = relationship(lazy="raise")
    items: Mapped[list[Item]] = relationship(lazy="raise", order_by=Item.line)

    @property
    def name(self) -> str:
        return order_name(self.number)

    @property
    def is_cancelled(self) -> bool:
        return self.status == OrderStatus.CANCELLED

    @property
    def subtotal_minor(self) -> int:
        return sum(item.total_minor for item in self.items)

    @property
    def remaining_minor(self) -> int:
        return max(0, self.total_minor - self.paid_minor)

    def item(self, line: int) -> Item:
        for item in self.items:
            if item.line == line:
                return item
        raise UnknownItem(line)

    def take_payment_facts(self, told: InvoiceFacts) -> bool:
        """Billing's word on what was paid: the newest counts; False where it changes nothing.

        That nothing remained for a version is true whenever it is heard.
        """
        paid_version = max(self.paid_version, told.order_version if told.remaining_minor == 0 else 0)
        newer = told.version > self.billing_version
        if newer:
            self.paid_minor, self.billing_version = told.paid_minor, told.version
            self.first_paid_in_full_at = told.first_paid_in_full_at
        changed = newer or paid_version > self.paid_version
        self.paid_version = paid_version
        return changed

    @property
    def is_cancellable(self) -> bool:
        return not self.is_cancelled and not any(item.has_left_the_shop for item in self.items)

    def cancel(self) -> None:
        """Refuses `NotCancellable`."""
        if not self.is_cancellable:
            raise NotCancellable("Some of the order has left the shop: cancel the other items one by one.")
        for item in self.items:
            if item.is_live:
                item.status = ItemStatus.CANCELLED.value
        self.settle()

    def settle(self) -> None:
        """Work out what the order costs and where it stands: see `standing`. Refuses `TotalTooLarge`."""
        live = [item for item in self.items if item.is_live]
        self.total_minor = self.subtotal_minor + self.delivery_minor if live and not self.is_cancelled else 0
        if self.total_minor > LARGEST_AMOUNT_MINOR:
            raise TotalTooLarge("The order would cost more than this shop can take: make it smaller.")
        for item in live:
            item.settle(self.remaining_minor, self.paid_version)
        self.status = order_status(
            [ItemStatus(item.status) for item in live],
            cancelled=self.is_cancelled,
            remaining_minor=self.remaining_minor,
            paid_once=self.first_paid_in_full_at is not None,
        ).value

    def facts(self) -> dict[str, Any]:
        """What every event of the order bears."""
        return {
            "order_number": self.name,
            "customer_id": self.customer_id,
            "status": OrderStatus(self.status),
            "currency": self.currency,
            "total_minor": self.total_minor,
            "paid_minor": self.paid_minor,
            "remaining_minor": self.remaining_minor,
            "version": self.version,
            "at": datetime.now(UTC),
        }
