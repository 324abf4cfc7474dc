"""Orders' tables, and what an order and an item do. What must never be, the database refuses: see the constraints."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Label,
    Text,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.orders.errors import NotCancellable, NotChangeable, TotalTooLarge, TransitionRefused, UnknownItem
from services.orders.standing import DEAD, TRANSITIONS, item_status, order_status
from shared.contracts.base import LARGEST_AMOUNT_MINOR
from shared.contracts.billing import InvoiceFacts
from shared.contracts.http.orders import ItemStatus
from shared.contracts.orders import OrderStatus
from shared.db import service_metadata

_LEFT_THE_SHOP = (ItemStatus.SHIPPED, ItemStatus.COMPLETED)
_UNCHANGEABLE = (*DEAD, *_LEFT_THE_SHOP)


_TRIGRAMS = {"lowered": "gin_trgm_ops"}


def _lowered(column: str) -> Label[str]:
    return literal_column(f"lower({column})").label("lowered")


def _one_of(column: str, words: type[OrderStatus] | type[ItemStatus]) -> str:
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


def order_name(number: int) -> str:
    """How people and programs call the order."""
    return f"ORD-{number:010d}"


def number_of(name: str) -> int:
    return int(name.removeprefix("ORD-"))


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), int: BigInteger, str: Text}


class Customer(Base):
    """Somebody who orders."""

    __tablename__ = "customers"
    __table_args__ = (
        # For a search by any part of them.
        Index("ix_customers_name", _lowered("name"), postgresql_using="gin", postgresql_ops=_TRIGRAMS),
        Index("ix_customers_email", _lowered("email"), postgresql_using="gin", postgresql_ops=_TRIGRAMS),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str]
    shipping_address: Mapped[str]
    registered_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Item(Base):
    """A line of an order."""

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint("quantity > 0", "some"),
        CheckConstraint("unit_price_minor >= 0", "price_not_negative"),
        CheckConstraint(_one_of("status", ItemStatus), "status_known"),
    )

    order_number: Mapped[int] = mapped_column(ForeignKey("orders.number"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    status: Mapped[str]
    # The order's version that last made it dearer.
    raised_version: Mapped[int] = mapped_column(server_default=text("1"))

    @property
    def is_live(self) -> bool:
        return self.status not in DEAD

    @property
    def total_minor(self) -> int:
        """What it costs; a dead item costs nothing."""
        return self.quantity * self.unit_price_minor if self.is_live else 0

    def move_to(self, status: ItemStatus) -> None:
        """Refuses `TransitionRefused`."""
        if status not in TRANSITIONS[ItemStatus(self.status)]:
            raise TransitionRefused(
                f"An item that is {_words(self.status)} cannot become {_words(status)}.", item_status=self.status
            )
        self.status = status.value

    def settle(self, remaining_minor: int, paid_version: int) -> None:
        """Whether it is paid: see `standing`."""
        status = ItemStatus(self.status)
        self.status = item_status(
            status, self.raised_version, remaining_minor=remaining_minor, paid_version=paid_version
        ).value

    def accept_price(self) -> None:
        """The customer agrees to the raised price. Refuses `TransitionRefused`."""
        if self.status != ItemStatus.PRICE_CONFIRMATION:
            raise TransitionRefused("There is no new price to accept on this item.", item_status=self.status)
        self.status = ItemStatus.AWAITING_PAYMENT.value

    def set_price(self, unit_price_minor: int, order_version: int) -> None:
        """A raised price waits for the customer's word. Refuses `NotChangeable`."""
        self._require_changeable()
        if unit_price_minor > self.unit_price_minor:
            self.status = ItemStatus.PRICE_CONFIRMATION.value
            self.raised_version = order_version
        self.unit_price_minor = unit_price_minor

    def set_quantity(self, quantity: int, order_version: int) -> None:
        """More pieces await payment again. Refuses `NotChangeable`."""
        self._require_changeable()
        if quantity > self.quantity:
            self.raised_version = order_version
            if self.status != ItemStatus.PRICE_CONFIRMATION:
                self.status = ItemStatus.AWAITING_PAYMENT.value
        self.quantity = quantity

    @property
    def is_changeable(self) -> bool:
        """Whether its price and quantity may still change."""
        return self.status not in _UNCHANGEABLE

    def _require_changeable(self) -> None:
        if not self.is_changeable:
            raise NotChangeable(f"An item that is {_words(self.status)} keeps its price and quantity.")


class Order(Base):
    """What a customer wants, what it costs, and how far it is."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(_one_of("status", OrderStatus), "status_known"),
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
        return not self.is_cancelled and all(item.status not in _LEFT_THE_SHOP for item in self.items)

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


def _words(status: str) -> str:
    return status.replace("_", " ")
