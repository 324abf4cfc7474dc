"""What the billing service tells."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints

from shared.contracts.base import Amount, Currency, Event, Line, OrderNumber, Sum, Version
from shared.contracts.http.billing import HoldState


class InvoiceFacts(Event):
    """How an order's invoice stands after money moved. Absolute figures: the newest one is the truth."""

    order_number: OrderNumber
    customer_id: UUID
    transfer_id: UUID
    amount_minor: Amount
    currency: Currency
    total_minor: Sum
    paid_minor: Sum
    remaining_minor: Sum
    order_version: Version
    """The newest version of the order that billing knew."""
    first_paid_in_full_at: AwareDatetime | None
    """When nothing remained for the first time; None as long as something always did."""


class OrderPaid(InvoiceFacts, routing_key="billing.order_paid.v1", aggregate="invoice", subject="order_number"):
    """The customer's balance paid for the order: wholly where `remaining_minor` is 0, else in part."""


class OrderRefunded(InvoiceFacts, routing_key="billing.order_refunded.v1", aggregate="invoice", subject="order_number"):
    """What was paid beyond the order's total went back to the customer's balance."""

    line: Line | None
    """The item that made the order cheaper; None where the whole order was cancelled."""


class BalanceChanged(Event, routing_key="billing.balance_changed.v1", aggregate="account", subject="customer_id"):
    """A customer's money after a change."""

    customer_id: UUID
    currency: Currency
    balance_minor: Sum
    held_minor: Sum
    available_minor: Sum


class HoldChanged(Event, routing_key="billing.hold_changed.v1", aggregate="hold", subject="hold_id"):
    """A withdrawal waits until another person approves it, or does so no longer."""

    hold_id: UUID
    customer_id: UUID
    amount_minor: Amount
    currency: Currency
    state: HoldState


class LedgerSealed(Event, routing_key="billing.ledger_sealed.v1", aggregate="ledger", subject="ledger"):
    """Some more transfers are sealed. `version:hash` is a head: who keeps it can prove later what the ledger was."""

    ledger: Literal["transfers"]
    transfers: Sum
    """How many this seal and all before it cover."""
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
