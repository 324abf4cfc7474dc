"""Support's tables. Whether a ticket is new is derived by the database from what was written and what was read."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), int: BigInteger, str: Text}


class Ticket(Base):
    """A conversation with a customer, optionally about an order."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'closed')", "status_known"),
        CheckConstraint(
            "customer_seq BETWEEN 0 AND messages AND staff_seq BETWEEN 0 AND messages"
            " AND read_by_staff_seq BETWEEN 0 AND messages AND read_by_customer_seq BETWEEN 0 AND messages",
            "nothing_beyond_the_last_message",
        ),
        CheckConstraint("subject ~ '\\S'", "has_a_subject"),
        Index("ix_tickets_customer_id_changed_at", "customer_id", "changed_at", "id"),
        Index("ix_tickets_changed_at", "changed_at", "id"),
        Index("ix_tickets_new", "changed_at", "id", postgresql_where=text("new")),
        Index("ix_tickets_order_number", "order_number", postgresql_where=text("order_number IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    order_number: Mapped[str | None]
    subject: Mapped[str]
    status: Mapped[str]
    messages: Mapped[int]
    # The newest message of each side, and how far each side has read; 0 before the first.
    customer_seq: Mapped[int]
    staff_seq: Mapped[int]
    read_by_staff_seq: Mapped[int]
    read_by_customer_seq: Mapped[int]
    new: Mapped[bool] = mapped_column(Computed("customer_seq > read_by_staff_seq", persisted=True))
    answered: Mapped[bool] = mapped_column(Computed("staff_seq > read_by_customer_seq", persisted=True))
    begun_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int]

    @property
    def is_new(self) -> bool:
        """Holds a customer's message that staff have not read; `new` says the same once it is stored."""
        return self.customer_seq > self.read_by_staff_seq

    @property
    def is_answered(self) -> bool:
        """Holds staff's message that the customer has not read."""
        return self.staff_seq > self.read_by_customer_seq


class Message(Base):
    """One text of a conversation; never changed."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("seq > 0", "counted_from_one"),
        CheckConstraint("author IN ('customer', 'staff', 'system')", "author_known"),
        CheckConstraint("text ~ '\\S'", "says_something"),
        CheckConstraint("(author = 'system') = (transfer_id IS NOT NULL)", "system_tells_of_money"),
        CheckConstraint("(author = 'system') = (author_login IS NULL)", "people_have_logins"),
        UniqueConstraint("ticket_id", "transfer_id"),
    )

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    author: Mapped[str]
    author_login: Mapped[str | None]
    text: Mapped[str]
    at: Mapped[datetime]
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("operations.transfer_id"))


class Operation(Base):
    """Money that moved for a customer's order, remembered for conversations about it that are yet to begin."""

    __tablename__ = "operations"
    __table_args__ = (
        CheckConstraint("kind IN ('paid', 'refunded')", "kind_known"),
        CheckConstraint("amount_minor > 0", "amount_positive"),
        Index("ix_operations_order_number", "order_number"),
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_number: Mapped[str]
    customer_id: Mapped[UUID]
    kind: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    at: Mapped[datetime]


class Counts(Base):
    """A customer's tickets, counted in the transaction that changes them."""

    __tablename__ = "counts"
    __table_args__ = (CheckConstraint("new BETWEEN 0 AND total AND answered BETWEEN 0 AND total", "possible"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    total: Mapped[int]
    new: Mapped[int]
    answered: Mapped[int]
    version: Mapped[int]


class ShopCount(Base):
    """New tickets of all customers: one row."""

    __tablename__ = "shop_count"
    __table_args__ = (CheckConstraint("single", "one_row"), CheckConstraint("new >= 0", "new_possible"))

    single: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    new: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
