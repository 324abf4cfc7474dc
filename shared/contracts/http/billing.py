"""Bodies of the billing service."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, RootModel

from shared.contracts.base import Amount, Currency, OrderNumber, Price
from shared.contracts.http.base import Note, Request, View
from shared.contracts.orders import OrderStatus


class MoveMoney(Request):
    """A deposit to, or a withdrawal from, a customer's balance."""

    amount_minor: Amount
    currency: Currency
    note: Note | None = Field(None, description="Shown to the customer on the statement.")
    staff_note: Note | None = Field(None, description="For staff only.")


class PayForOrder(Request):
    """Pay what remains (as far as the balance goes), or `amount_minor` of it."""

    amount_minor: Amount | None = None
    expected_remaining_minor: Price | None = Field(
        None,
        description="What remained when the payer decided. If it is no longer so, nothing is paid: `amount_changed`.",
    )


class BalanceView(View):
    """`available_minor` = `balance_minor` - `held_minor`."""

    customer_id: UUID
    currency: str
    balance_minor: int
    held_minor: int
    available_minor: int
    version: int = Field(description="Counts this balance's changes; 0 before the first.")
    actions: list[Literal["deposit", "withdraw"]] = Field(description="What the asking person may do with it.")


class MoneyMoved(View):
    """The balance after a deposit or a withdrawal."""

    transfer_id: UUID
    balance_minor: int
    held_minor: int
    available_minor: int
    currency: str


class HoldState(StrEnum):
    """What has become of a withdrawal that had to wait."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


class HoldView(View):
    """A withdrawal that waits until another person approves it, or waited. Until then its money is held."""

    id: UUID
    customer_id: UUID
    amount_minor: int
    currency: str
    note: str | None
    staff_note: str | None
    state: HoldState
    asked_by: str
    asked_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="Undecided until then, it is given up.")
    decided_by: str | None
    decided_at: AwareDatetime | None
    decision_note: str | None
    transfer_id: UUID | None = Field(description="The withdrawal that the approval made.")
    actions: list[Literal["approve", "refuse"]] = Field(description="What the asking person may do with it.")


class WithdrawalAnswer(RootModel[MoneyMoved | HoldView]):
    """A withdrawal is done at once, or waits."""


class Decide(Request):
    """Approve a withdrawal that waits, or refuse it."""

    note: Note | None = Field(None, description="For staff only.")


class HoldCounts(View):
    """Withdrawals of all customers that wait."""

    waiting: int


class WithdrawalLimitView(View):
    """How much of a customer's money staff may withdraw without another person's approval."""

    customer_id: UUID
    currency: str
    limit_minor: int = Field(description="Within any 24 hours.")
    at_once_minor: int = Field(description="What is left of it now. A withdrawal of more waits.")


class PaymentView(View):
    """An order after a payment; `order_status` is what the payment makes of it."""

    transfer_id: UUID
    paid_minor: int
    remaining_minor: int
    order_status: OrderStatus


class TransferKind(StrEnum):
    """Why money moved."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    PAYMENT = "payment"
    REFUND = "refund"


class TransferView(View):
    """A line of the statement; `amount_minor` is negative where the balance went down."""

    id: UUID
    at: AwareDatetime
    kind: TransferKind
    amount_minor: int
    balance_minor: int = Field(description="The balance after this transfer.")
    note: str | None
    order_number: OrderNumber | None
    line: int | None = Field(description="The item that a refund is for; null for the whole order.")
    staff_note: str | None = Field(None, description="For staff only: always null for a customer.")
    made_by: str | None = Field(None, description="The login; for a customer, null unless it is their own.")


class StatementView(View):
    """What the balance is made of, oldest first: opening + all `items` = closing."""

    customer_id: UUID
    currency: str
    opening_minor: int
    items: list[TransferView]
    closing_minor: int
    next: str | None


class InvoiceView(View):
    """What billing knows an order to cost, and what was paid for it."""

    order_number: OrderNumber
    total_minor: int
    paid_minor: int
    remaining_minor: int
    balance: BalanceView
    actions: list[Literal["pay"]]
