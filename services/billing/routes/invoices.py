"""What orders cost, and paying for them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from services.billing import queries, views
from services.billing.commands.pay_for_order import Payment
from services.billing.commands.tell_invoice_again import tell_invoice_again
from services.billing.models import Account, Invoice
from services.billing.routes.asking import NOTED, Number, note_refusals, pay_alone, pay_together
from shared.acts import list_acts_on_order
from shared.auth import Caller
from shared.bodies import UnambiguousRoute
from shared.contracts.http.base import ActView
from shared.contracts.http.billing import InvoiceView, PayForOrder, PaymentView
from shared.contracts.http.reconciliation import ToldAgain
from shared.contracts.http.together import INVOICES, MOST, PAYMENTS, Answer, OrderAsked, PaymentWanted
from shared.errors import Refusal
from shared.together import FOR_MANY, Act, One, answer_many, show_each
from shared.web import Asking, Claimed, OwnDatabase, Reading, Session

router = APIRouter(route_class=UnambiguousRoute, tags=["billing"])


@router.post("/payments", dependencies=FOR_MANY, response_model=list[Answer | None])
async def pay_for_many(
    asked: Annotated[list[PaymentWanted], Field(max_length=MOST)], database: OwnDatabase
) -> Response:
    """Pay for orders, each on behalf of whoever asks; null where somebody has the order or the balance in hand: ask
    that alone."""

    async def pay_all(ones: Sequence[Act[str, PayForOrder]]) -> Sequence[PaymentView | Refusal | None]:
        payments = [Payment(one.caller, one.thing, one.wanted, one.claim, one.context) for one in ones]
        answers = await pay_together(database, payments)
        await note_refusals(database, payments, answers)
        return answers

    return await answer_many([Act(PAYMENTS, each) for each in asked], pay_all)


@router.post("/orders/{order_number}/payments", status_code=201, dependencies=NOTED)
async def pay(
    order_number: Number, wanted: PayForOrder, caller: Asking, claim: Claimed, database: OwnDatabase
) -> PaymentView:
    """Pay for an order from its customer's balance, and wait for whoever has one of them in hand."""
    answer = await pay_alone(database, Payment(caller, order_number, wanted, claim))
    if isinstance(answer, Refusal):
        raise answer
    return answer


@router.post("/for-many/invoices", dependencies=FOR_MANY, response_model=list[Answer | None])
async def get_invoices(asked: Annotated[list[OrderAsked], Field(max_length=MOST)], session: Reading) -> Response:
    """What billing knows orders to cost, each as whoever asks may see it."""

    async def see_all(ones: Sequence[One[str]]) -> Sequence[InvoiceView | Refusal]:
        found = await queries.find_invoices(session, {one.thing for one in ones})
        return show_each(ones, partial(_invoice, found))

    return await answer_many([One(INVOICES, each) for each in asked], see_all)


@router.get("/orders/{order_number}/invoice")
async def get_invoice(order_number: Number, session: Reading, caller: Asking) -> InvoiceView:
    """What billing knows an order to cost, with the balance that would pay for it."""
    return _invoice(await queries.find_invoices(session, [order_number]), order_number, caller)


def _invoice(found: Mapping[str, tuple[Invoice, Account | None]], order_number: str, caller: Caller) -> InvoiceView:
    invoice, account = found.get(order_number, (None, None))
    invoice = queries.seen(invoice, order_number, caller)
    balance = views.balance_view(invoice.customer_id, account, invoice.currency, caller)
    return views.invoice_view(invoice, balance, caller)


@router.get("/orders/{order_number}/acts")
async def get_invoice_acts(order_number: Number, session: Reading, caller: Asking) -> list[ActView]:
    """What staff did with an order's invoice, and with its customer's money for it, newest first."""
    caller.require_staff()
    found = await queries.find_invoices(session, [order_number])
    if order_number not in found:
        return []  # Billing has yet to hear of the order.
    invoice, _ = found[order_number]
    return await list_acts_on_order(session, order_number, invoice.customer_id)


@router.post("/orders/{order_number}/telling")
async def tell_again(order_number: Number, session: Session, caller: Asking) -> ToldAgain:
    """Tell the invoice's facts again, as a new version."""
    return await tell_invoice_again(session, caller, order_number)
