"""Billing's rows as its HTTP answers show them."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from services.billing.holds import Hold
from services.billing.models import Account, Invoice, Transfer
from shared.auth import Caller
from shared.contracts.http.billing import (
    BalanceView,
    HoldState,
    HoldView,
    InvoiceView,
    StatementView,
    TransferKind,
    TransferView,
)


def balance_view(customer_id: UUID, account: Account | None, shop_currency: str, caller: Caller) -> BalanceView:
    """Zeros for a customer who never had money."""
    if account is None:
        account = Account(id=customer_id, currency=shop_currency, balance_minor=0, held_minor=0, version=0)
    return BalanceView(
        customer_id=customer_id,
        currency=account.currency,
        balance_minor=account.balance_minor,
        held_minor=account.held_minor,
        available_minor=account.available_minor,
        version=account.version,
        actions=["deposit", "withdraw"] if caller.moves_money else [],
    )


def invoice_view(invoice: Invoice, balance: BalanceView, caller: Caller) -> InvoiceView:
    may_pay = caller.moves_money or not caller.is_staff
    payable = invoice.remaining_minor > 0 and balance.available_minor > 0
    return InvoiceView(
        order_number=invoice.order_number,
        total_minor=invoice.total_minor,
        paid_minor=invoice.paid_minor,
        remaining_minor=invoice.remaining_minor,
        balance=balance,
        actions=["pay"] if may_pay and payable else [],
    )


def hold_view(hold: Hold, caller: Caller) -> HoldView:
    return HoldView(
        id=hold.id,
        customer_id=hold.customer_id,
        amount_minor=hold.amount_minor,
        currency=hold.currency,
        note=hold.note,
        staff_note=hold.staff_note,
        state=HoldState(hold.state),
        asked_by=hold.asked_by,
        asked_at=hold.asked_at,
        expires_at=hold.expires_at,
        decided_by=hold.decided_by,
        decided_at=hold.decided_at,
        decision_note=hold.decision_note,
        transfer_id=hold.transfer_id,
        actions=_decisions(hold, caller),
    )


def _decisions(hold: Hold, caller: Caller) -> list[Literal["approve", "refuse"]]:
    if not (hold.is_waiting and caller.moves_money):
        return []
    return ["refuse"] if hold.asked_by == caller.login else ["approve", "refuse"]


def statement_view(
    customer_id: UUID,
    currency: str,
    opening_minor: int,
    transfers: Sequence[Transfer],
    next_: str | None,
    caller: Caller,
) -> StatementView:
    return StatementView(
        customer_id=customer_id,
        currency=currency,
        opening_minor=opening_minor,
        items=[_transfer_view(transfer, caller) for transfer in transfers],
        closing_minor=transfers[-1].balance_after_minor if transfers else opening_minor,
        next=next_,
    )


def _transfer_view(transfer: Transfer, caller: Caller) -> TransferView:
    """A customer sees neither staff's notes nor who of the staff it was."""
    return TransferView(
        id=transfer.id,
        at=transfer.at,
        kind=TransferKind(transfer.kind),
        amount_minor=transfer.change_minor,
        balance_minor=transfer.balance_after_minor,
        note=transfer.note,
        order_number=transfer.order_number,
        line=transfer.line,
        staff_note=transfer.staff_note if caller.is_staff else None,
        made_by=transfer.made_by if caller.is_staff or transfer.made_by == caller.login else None,
    )
