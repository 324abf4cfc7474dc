"""Pay for orders from their customers' balances: the flow that everything else serves."""

from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import queries
from services.billing.debits import Debit, debit_all
from services.billing.errors import AmountChanged, CurrencyMismatch, InsufficientFunds, NothingToPay, UnknownInvoice
from services.billing.ledger import Changed, told
from services.billing.models import Account, Invoice, ShopAccount
from services.billing.queries import Payable
from shared import acts, failpoints, idempotency, outbox
from shared.auth import Caller
from shared.contracts.billing import OrderPaid
from shared.contracts.http.billing import PayForOrder, PaymentView, TransferKind
from shared.errors import Busy, Refusal
from shared.idempotency import Answers, Claim
from shared.ids import new_id


@dataclass(frozen=True)
class Payment:
    """What somebody asks for, under a key; its news is told in the context in which it was asked for."""

    caller: Caller
    order_number: str
    wanted: PayForOrder
    claim: Claim
    context: Context = field(default_factory=copy_context)


async def pay_for_order(session: AsyncSession, payments: Sequence[Payment]) -> list[PaymentView | Refusal | None]:
    """Pay for each what remains, as far as the balance goes, or the amount that was asked for, with the same two
    statements for one and for many: look, decide, and write what still is as it was seen.

    Answers with a refusal: `Forbidden`, `UnknownInvoice`, `NothingToPay`, `AmountChanged`, `CurrencyMismatch`,
    `InsufficientFunds`, `IdempotencyKeyReused`. Nothing is changed for what is refused, and its key stays free. There
    is no answer, and nothing is changed, where somebody came between: `pay_for_order_held`.
    """
    failpoints.hit("before_look", PaymentView.__name__)
    found = await queries.find_payable(session, [(payment.order_number, payment.claim) for payment in payments])
    failpoints.hit("after_look", PaymentView.__name__)
    # A key stands for one order: who has used it meanwhile has changed the invoice, and this will not be written.
    done = _answered_before(payments, found)
    answers: list[PaymentView | Refusal] = []
    debits: list[Debit] = []
    for payment, each in zip(payments, found, strict=True):
        try:
            answer = done.repeat(payment.claim)
            if answer is None:
                answer, debit = payment.context.run(_pay, payment, each)
                debits.append(debit)
                done.add(payment.claim, answer)
            answers.append(answer)
        except Refusal as refusal:
            answers.append(refusal)
    written = await debit_all(session, debits) if debits else set()
    # What was decided about a balance after that stood on it.
    missed = {debit.account.id for debit in debits} - written
    return [
        None if each.invoice and each.invoice.customer_id in missed else answer
        for each, answer in zip(found, answers, strict=True)
    ]


async def pay_for_order_held(session: AsyncSession, payment: Payment) -> PaymentView | Refusal:
    """The same for one, in a transaction in which nobody can come between: it waits for whoever has the order or the
    balance in hand."""
    await queries.lock_payable(session, payment.order_number)
    [answer] = await pay_for_order(session, [payment])
    # What was made only now could not be held.
    return answer or Busy("Somebody else is changing this right now: send it again.")


def _answered_before(payments: Sequence[Payment], found: Sequence[Payable]) -> Answers[PaymentView]:
    done = Answers[PaymentView]()
    for payment, each in zip(payments, found, strict=True):
        if each.answer is not None and each.request_hash is not None:
            used = Claim(payment.claim.scope, payment.claim.key, each.request_hash)
            done.add(used, PaymentView.model_validate_json(each.answer))
    return done


def _pay(payment: Payment, found: Payable) -> tuple[PaymentView, Debit]:
    invoice = _invoice(found.invoice, payment)
    _agree(invoice, payment.wanted)
    account, amount_minor = _affordable(invoice, found.account, payment.wanted)
    invoice.take(amount_minor)
    account.debit(amount_minor)
    transfer = _transfer(payment.caller, invoice, account, amount_minor)
    view = PaymentView(
        transfer_id=transfer["id"],
        paid_minor=invoice.paid_minor,
        remaining_minor=invoice.remaining_minor,
        order_status=invoice.order_status,
    )
    balance = told(account.id, account.currency, Changed(account.balance_minor, account.held_minor, account.version))
    news = (balance, OrderPaid(**invoice.facts(transfer["id"], amount_minor)))
    return view, Debit(
        invoice,
        account,
        transfer,
        news=[outbox.row(event) for event in news],
        used_key=idempotency.row(payment.claim, view),
        acts=[_act(payment.caller, transfer)] if payment.caller.is_staff else [],
    )


def _transfer(caller: Caller, invoice: Invoice, account: Account, amount_minor: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "customer_id": account.id,
        "account_version": account.version,
        "debit_account": account.id,
        "credit_account": ShopAccount.SALES.id(account.currency),
        "amount_minor": amount_minor,
        "currency": account.currency,
        "kind": TransferKind.PAYMENT.value,
        "balance_after_minor": account.balance_minor,
        "order_number": invoice.order_number,
        "order_version": invoice.order_version,
        "made_by": caller.login,
    }


def _act(caller: Caller, transfer: Mapping[str, Any]) -> dict[str, Any]:
    return acts.row(
        caller,
        "payment",
        str(transfer["customer_id"]),
        order_number=transfer["order_number"],
        amount_minor=transfer["amount_minor"],
        currency=transfer["currency"],
        transfer_id=str(transfer["id"]),
        balance_minor=transfer["balance_after_minor"],
        balance_minor_before=transfer["balance_after_minor"] + transfer["amount_minor"],
    )


def _invoice(invoice: Invoice | None, payment: Payment) -> Invoice:
    if payment.caller.is_staff:
        payment.caller.require_money_right()
    if invoice is None or not payment.caller.may_see(invoice.customer_id):
        raise UnknownInvoice(payment.order_number)
    return invoice


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


def _affordable(invoice: Invoice, account: Account | None, wanted: PayForOrder) -> tuple[Account, int]:
    """How much will be paid, minor units: what was asked for, else what remains as far as the balance goes."""
    if account and account.currency != invoice.currency:
        raise CurrencyMismatch(invoice.currency, account.currency)
    available_minor = account.available_minor if account else 0
    asked_minor = wanted.amount_minor or min(invoice.remaining_minor, available_minor)
    if account is None or asked_minor == 0 or asked_minor > available_minor:
        raise InsufficientFunds(
            "The balance has less available than that. Deposit first, or pay a part.",
            available_minor=available_minor,
            remaining_minor=invoice.remaining_minor,
            currency=invoice.currency,
        )
    return account, asked_minor
