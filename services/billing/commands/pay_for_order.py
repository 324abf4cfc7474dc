"""Pay for an order from its customer's balance: the flow that everything else serves."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger, queries
from services.billing.errors import AmountChanged, CurrencyMismatch, InsufficientFunds, NothingToPay
from services.billing.models import Invoice
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.billing import OrderPaid
from shared.contracts.http.billing import PayForOrder, PaymentView, TransferKind


async def pay_for_order(session: AsyncSession, caller: Caller, order_number: str, wanted: PayForOrder) -> PaymentView:
    """Pay what remains, as far as the balance goes, or the amount that was asked for.

    Refuses `Forbidden`, `UnknownInvoice`, `NothingToPay`, `AmountChanged`, `CurrencyMismatch`, `InsufficientFunds`.
    """
    if caller.is_staff:
        caller.require_money_right()
    invoice = await queries.lock_invoice(session, order_number, caller)
    _agree(invoice, wanted)
    amount_minor = await _affordable(session, invoice, wanted)
    moved = await ledger.transfer(
        session,
        invoice.customer_id,
        invoice.currency,
        amount_minor,
        ledger.Reason(
            TransferKind.PAYMENT, caller.login, order_number=order_number, order_version=invoice.order_version
        ),
    )
    invoice.take(amount_minor)
    await outbox.record(session, OrderPaid(**invoice.facts(moved.transfer_id, amount_minor)))
    await record_act(
        session,
        caller,
        "payment",
        str(invoice.customer_id),
        order_number=order_number,
        amount_minor=amount_minor,
        currency=invoice.currency,
        transfer_id=str(moved.transfer_id),
        balance_minor=moved.balance_minor,
        balance_minor_before=moved.balance_before_minor,
    )
    return PaymentView(
        transfer_id=moved.transfer_id,
        paid_minor=invoice.paid_minor,
        remaining_minor=invoice.remaining_minor,
        order_status=invoice.order_status,
    )


def _agree(invoice: Invoice, wanted: PayForOrder) -> None:
    """Nobody pays a sum they did not see."""
    remaining_minor = invoice.remaining_minor
    figures = {
        "total_minor": invoice.total_minor,
        "paid_minor": invoice.paid_minor,
        "remaining_minor": remaining_minor,
        "currency": invoice.currency,
    }
    if remaining_minor == 0:
        why = "cancelled" if invoice.cancelled else "paid"
        raise NothingToPay(f"Nothing remains to pay: the order is {why}.", **figures)
    expected_minor = wanted.expected_remaining_minor
    if expected_minor is not None and expected_minor != remaining_minor:
        raise AmountChanged("What remains to pay has changed. Look at the new amount and decide again.", **figures)
    if wanted.amount_minor is not None and wanted.amount_minor > remaining_minor:
        raise AmountChanged("That is more than remains to pay. Look at the amount and decide again.", **figures)


async def _affordable(session: AsyncSession, invoice: Invoice, wanted: PayForOrder) -> int:
    """How much will be paid, minor units: what was asked for, else what remains as far as the balance goes."""
    account = await queries.lock_account(session, invoice.customer_id)
    if account and account.currency != invoice.currency:
        raise CurrencyMismatch(invoice.currency, account.currency)
    available_minor = account.available_minor if account else 0
    asked_minor = wanted.amount_minor or min(invoice.remaining_minor, available_minor)
    if asked_minor == 0 or asked_minor > available_minor:
        raise InsufficientFunds(
            "The balance has less available than that. Deposit first, or pay a part.",
            available_minor=available_minor,
            remaining_minor=invoice.remaining_minor,
            currency=invoice.currency,
        )
    return asked_minor
