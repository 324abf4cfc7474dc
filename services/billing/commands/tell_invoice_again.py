"""An admin has an invoice's facts told again: the order has missed the newest ones."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import queries
from services.billing.errors import NothingToTell
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.contracts.http.billing import TransferKind
from shared.contracts.http.reconciliation import ToldAgain


async def tell_invoice_again(session: AsyncSession, caller: Caller, order_number: str) -> ToldAgain:
    """As a new version, with the transfer that was the last one for the order; no money moves.

    Refuses `Forbidden`, `UnknownInvoice`, `NothingToTell`.
    """
    caller.require_admin()
    invoice = await queries.lock_invoice(session, order_number, caller)
    last = await queries.find_last_transfer(session, order_number)
    if last is None:
        raise NothingToTell("No money has moved for this order: there is nothing to tell.")
    invoice.version += 1
    facts = invoice.facts(last.id, last.amount_minor)
    if last.kind == TransferKind.REFUND:
        await outbox.record(session, OrderRefunded(**facts, line=last.line))
    else:
        await outbox.record(session, OrderPaid(**facts))
    await record_act(session, caller, "tell_invoice_again", order_number, version=invoice.version)
    return ToldAgain(version=invoice.version)
