"""Billing's tables. What must never be, the database refuses: see the constraints."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.contracts.http.billing import TransferKind
from shared.contracts.orders import OrderStatus
from shared.db import service_metadata

# Beyond this a program that reads JSON numbers as doubles would show a wrong balance.
LARGEST_BALANCE_MINOR = 2**53 - 1


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), int: BigInteger, str: Text}


class ShopAccount(StrEnum):
    """The shop's own side of every transfer."""

    CASH = "cash"
    SALES = "sales"

    def id(self, currency: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"purser:{self}:{currency}")


class Account(Base):
    """A customer's money, or the shop's side of it.

    A customer's balance is what the shop owes: credits minus debits. Only customers' accounts carry it; the shop's are
    derived from transfers, because a row that every payment updates costs three to six times the rate.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("id", "currency"),
        CheckConstraint("kind IN ('customer', 'cash', 'sales')", "kind_known"),
        CheckConstraint("held_minor >= 0 AND balance_minor - held_minor >= 0", "never_overdrawn"),
        CheckConstraint(f"balance_minor <= {LARGEST_BALANCE_MINOR}", "balance_exact_in_json"),
        CheckConstraint("kind = 'customer' OR (balance_minor = 0 AND version = 0)", "only_customers_carry_a_balance"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    currency: Mapped[str]
    balance_minor: Mapped[int] = mapped_column(server_default=text("0"))
    held_minor: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("0"))

    @property
    def available_minor(self) -> int:
        return self.balance_minor - self.held_minor

    def debit(self, amount_minor: int) -> None:
        """What is available of it, for a payment."""
        self.balance_minor -= amount_minor
        self.version += 1


class Transfer(Base):
    """Money moved: one debit, one credit, one amount. The service may insert transfers, never change or delete one."""

    __tablename__ = "transfers"
    __table_args__ = (
        # The currency is part of the reference: both sides have the transfer's.
        ForeignKeyConstraint(["debit_account", "currency"], ["accounts.id", "accounts.currency"], name="fk_debit"),
        ForeignKeyConstraint(["credit_account", "currency"], ["accounts.id", "accounts.currency"], name="fk_credit"),
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint("debit_account <> credit_account", "two_accounts"),
        CheckConstraint("customer_id IN (debit_account, credit_account)", "customer_on_one_side"),
        CheckConstraint("kind IN ('deposit', 'withdrawal', 'payment', 'refund')", "kind_known"),
        CheckConstraint("(kind IN ('payment', 'refund')) = (order_number IS NOT NULL)", "order_named"),
        CheckConstraint("(kind IN ('deposit', 'refund')) = (customer_id = credit_account)", "direction"),
        # One change of a balance, one transfer. An account's versions count these, and the holds begun and released.
        UniqueConstraint("customer_id", "account_version"),
        Index(
            "uq_transfers_one_refund_per_order_version",
            "order_number",
            "order_version",
            unique=True,
            postgresql_where=text("kind = 'refund'"),
        ),
        Index("ix_transfers_order_number", "order_number", postgresql_where=text("order_number IS NOT NULL")),
        Index("ix_transfers_withdrawals", "customer_id", "at", postgresql_where=text("kind = 'withdrawal'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    account_version: Mapped[int]
    debit_account: Mapped[UUID]
    credit_account: Mapped[UUID]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    kind: Mapped[str]
    balance_after_minor: Mapped[int]
    order_number: Mapped[str | None]
    order_version: Mapped[int | None]
    line: Mapped[int | None]
    note: Mapped[str | None]
    staff_note: Mapped[str | None]
    made_by: Mapped[str]
    # Not now(), which is when the transaction began: under the account's lock time runs as the versions do.
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    @property
    def change_minor(self) -> int:
        """What it did to the customer's balance."""
        return self.amount_minor if self.kind in (TransferKind.DEPOSIT, TransferKind.REFUND) else -self.amount_minor


class Invoice(Base):
    """What billing knows an order to cost, from the newest version it has heard of, and what was paid for it."""

    __tablename__ = "invoices"
    __table_args__ = (
        CheckConstraint("total_minor >= 0", "total_not_negative"),
        # What is paid beyond the total is returned in the transaction that lowers it.
        CheckConstraint("paid_minor >= 0 AND paid_minor <= total_minor", "never_more_than_the_total"),
        CheckConstraint("NOT cancelled OR total_minor = 0", "cancelled_costs_nothing"),
    )

    order_number: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    currency: Mapped[str]
    total_minor: Mapped[int]
    paid_minor: Mapped[int] = mapped_column(server_default=text("0"))
    order_version: Mapped[int]
    cancelled: Mapped[bool]
    first_paid_in_full_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("0"))

    @property
    def remaining_minor(self) -> int:
        return self.total_minor - self.paid_minor

    @property
    def order_status(self) -> OrderStatus:
        """What the order is by what billing knows."""
        if self.cancelled:
            return OrderStatus.CANCELLED
        if self.remaining_minor == 0:
            return OrderStatus.PAID
        if self.first_paid_in_full_at is None:
            return OrderStatus.AWAITING_PAYMENT
        return OrderStatus.AWAITING_ADDITIONAL_PAYMENT

    def take(self, amount_minor: int) -> None:
        """A payment, whole or in part."""
        self.paid_minor += amount_minor
        if self.remaining_minor == 0 and self.first_paid_in_full_at is None:
            self.first_paid_in_full_at = datetime.now(UTC)
        self.version += 1

    def amend(self, total_minor: int, order_version: int, cancelled: bool) -> int:
        """The order costs something else now. Returns what was paid beyond that, and is no longer counted as paid."""
        surplus_minor = max(0, self.paid_minor - total_minor)
        self.paid_minor -= surplus_minor
        self.total_minor = total_minor
        self.order_version = order_version
        self.cancelled = cancelled
        if surplus_minor:
            self.version += 1
        return surplus_minor

    def facts(self, transfer_id: UUID, amount_minor: int) -> dict[str, Any]:
        """What every event of the invoice bears, after money has moved for it."""
        return {
            "order_number": self.order_number,
            "customer_id": self.customer_id,
            "transfer_id": transfer_id,
            "amount_minor": amount_minor,
            "currency": self.currency,
            "total_minor": self.total_minor,
            "paid_minor": self.paid_minor,
            "remaining_minor": self.remaining_minor,
            "order_version": self.order_version,
            "first_paid_in_full_at": self.first_paid_in_full_at,
            "version": self.version,
            "at": datetime.now(UTC),
        }
