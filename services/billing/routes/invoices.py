"""What orders cost, and paying for them."""

from fastapi import APIRouter

from services.billing import queries, views
from services.billing.commands.pay_for_order import Payment
from services.billing.commands.tell_invoice_again import tell_invoice_again
from services.billing.routes.asking import NOTED, Number, PaidTogether
from shared.acts import list_acts
from shared.bodies import UnambiguousRoute
from shared.contracts.http.base import ActView
from shared.contracts.http.billing import InvoiceView, PayForOrder, PaymentView
from shared.contracts.http.reconciliation import ToldAgain
from shared.web import Asking, Claimed, Reading, Session

router = APIRouter(route_class=UnambiguousRoute, tags=["billing"])


@router.post("/orders/{order_number}/payments", status_code=201, dependencies=NOTED)
async def pay(
    order_number: Number, wanted: PayForOrder, caller: Asking, claim: Claimed, payments: PaidTogether
) -> PaymentView:
    """Pay for an order from its customer's balance."""
    return await payments.ask(Payment(caller, order_number, wanted, claim))


@router.get("/orders/{order_number}/invoice")
async def get_invoice(order_number: Number, session: Reading, caller: Asking) -> InvoiceView:
    """What billing knows an order to cost, with the balance that would pay for it."""
    invoice, account = await queries.get_invoice(session, order_number, caller)
    return views.invoice_view(
        invoice, views.balance_view(invoice.customer_id, account, invoice.currency, caller), caller
    )


@router.get("/orders/{order_number}/acts")
async def get_invoice_acts(order_number: Number, session: Reading, caller: Asking) -> list[ActView]:
    """What staff did with an order's invoice, other than paying it, newest first."""
    caller.require_staff()
    return await list_acts(session, order_number)


@router.post("/orders/{order_number}/telling")
async def tell_again(order_number: Number, session: Session, caller: Asking) -> ToldAgain:
    """Tell the invoice's facts again, as a new version."""
    return await tell_invoice_again(session, caller, order_number)
