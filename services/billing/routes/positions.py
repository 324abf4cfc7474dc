"""The whole books, part by part, to be compared with the other services'."""

from uuid import UUID

from fastapi import APIRouter

from services.billing import positions
from shared import outbox
from shared.bodies import UnambiguousRoute
from shared.contracts.base import OrderNumber
from shared.contracts.http.reconciliation import AccountPosition, InvoicePosition
from shared.cursors import Lately, Many, ManyNames, Numbers
from shared.web import Asking, Reading

router = APIRouter(route_class=UnambiguousRoute, tags=["billing"])


@router.get("/positions/orders")
async def list_invoice_positions(
    session: Reading, caller: Asking, after: OrderNumber | None = None, number: Numbers = (), limit: Many = 500
) -> list[InvoicePosition]:
    """How invoices stand, beside what the ledger says was paid, by order."""
    caller.require_admin()
    return await positions.list_invoice_positions(session, after, number, limit)


@router.get("/positions/accounts")
async def list_account_positions(
    session: Reading, caller: Asking, after: UUID | None = None, limit: Many = 500
) -> list[AccountPosition]:
    """How customers' accounts stand, beside what the ledger says, by id."""
    caller.require_admin()
    return await positions.list_account_positions(session, after, limit)


@router.get("/positions/orders/lately")
async def list_told_lately(
    session: Reading, caller: Asking, seconds: Lately = 300, after: OrderNumber | None = None, limit: ManyNames = 500
) -> list[OrderNumber]:
    """Orders whose invoices were told of lately, or are yet to be, by number."""
    caller.require_admin()
    return await outbox.list_told_lately(session, "invoice", seconds, after or "", limit)
