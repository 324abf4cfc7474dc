"""Billing's door for HTTP: each route is one call."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from services.billing import positions, queries, views
from services.billing.commands.move_money import move_money
from services.billing.commands.pay_for_order import pay_for_order
from services.billing.commands.tell_invoice_again import tell_invoice_again
from services.billing.errors import UnknownCustomer
from shared.acts import list_acts
from shared.auth import Caller
from shared.contracts.base import OrderNumber
from shared.contracts.http.base import ActView
from shared.contracts.http.billing import (
    BalanceView,
    InvoiceView,
    MoneyMoved,
    MoveMoney,
    PayForOrder,
    PaymentView,
    StatementView,
    TransferKind,
)
from shared.contracts.http.reconciliation import AccountPosition, InvoicePosition, ToldAgain
from shared.web import Asking, Cursor, Limit, Many, Numbers, Once, Session, decode_cursor, encode_cursor

router = APIRouter(tags=["billing"])
Number = Annotated[OrderNumber, Path()]


async def _shop_currency(request: Request) -> str:
    return str(request.app.state.currency)


ShopCurrency = Annotated[str, Depends(_shop_currency)]


async def _own_or_staff(customer_id: UUID, caller: Asking) -> Caller:
    if not caller.may_see(customer_id):
        raise UnknownCustomer
    return caller


Seeing = Annotated[Caller, Depends(_own_or_staff)]


@router.post("/customers/{customer_id}/deposits", status_code=201)
async def deposit(
    customer_id: UUID, wanted: MoveMoney, session: Session, caller: Seeing, once: Once, currency: ShopCurrency
) -> MoneyMoved:
    """Put money on a customer's balance."""
    return await once(
        MoneyMoved, lambda: move_money(session, caller, customer_id, TransferKind.DEPOSIT, wanted, currency)
    )


@router.post("/customers/{customer_id}/withdrawals", status_code=201)
async def withdraw(
    customer_id: UUID, wanted: MoveMoney, session: Session, caller: Seeing, once: Once, currency: ShopCurrency
) -> MoneyMoved:
    """Take money off a customer's balance."""
    return await once(
        MoneyMoved, lambda: move_money(session, caller, customer_id, TransferKind.WITHDRAWAL, wanted, currency)
    )


@router.post("/orders/{order_number}/payments", status_code=201)
async def pay(order_number: Number, wanted: PayForOrder, session: Session, caller: Asking, once: Once) -> PaymentView:
    """Pay for an order from its customer's balance."""
    return await once(PaymentView, lambda: pay_for_order(session, caller, order_number, wanted))


@router.get("/orders/{order_number}/invoice")
async def get_invoice(order_number: Number, session: Session, caller: Asking) -> InvoiceView:
    """What billing knows an order to cost, with the balance that would pay for it."""
    invoice = await queries.get_invoice(session, order_number, caller)
    account = await queries.find_account(session, invoice.customer_id)
    return views.invoice_view(
        invoice, views.balance_view(invoice.customer_id, account, invoice.currency, caller), caller
    )


@router.get("/customers/{customer_id}/balance")
async def get_balance(customer_id: UUID, session: Session, caller: Seeing, currency: ShopCurrency) -> BalanceView:
    """A customer's money."""
    return views.balance_view(customer_id, await queries.find_account(session, customer_id), currency, caller)


@router.get("/customers/{customer_id}/transfers")
async def get_statement(
    customer_id: UUID,
    session: Session,
    caller: Seeing,
    currency: ShopCurrency,
    since: Annotated[date | None, Query(alias="from", description="The first day, UTC.")] = None,
    to: Annotated[date | None, Query(description="The last day, UTC.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> StatementView:
    """What a balance is made of, oldest first; each part's opening is the closing of the part before."""
    begin, end = _midnight(since), _midnight(to, days_later=1)
    after_version, opening_minor = decode_cursor(cursor, int, int) if cursor else (0, 0)
    if cursor is None and begin is not None:
        opening_minor = await queries.find_balance_at(session, customer_id, begin)
    found = await queries.list_transfers(session, customer_id, begin, end, after_version, limit + 1)
    shown, more = found[:limit], len(found) > limit
    next_ = encode_cursor(shown[-1].account_version, shown[-1].balance_after_minor) if more else None
    return views.statement_view(customer_id, currency, opening_minor, shown, next_, caller)


def _midnight(day: date | None, days_later: int = 0) -> datetime | None:
    if day is None or day == date.max:
        return None
    return datetime.combine(day + timedelta(days=days_later), time(), UTC)


@router.get("/customers/{customer_id}/acts")
async def get_acts(customer_id: UUID, session: Session, caller: Asking) -> list[ActView]:
    """What staff did with a customer's money, newest first."""
    caller.require_staff()
    return await list_acts(session, str(customer_id))


@router.get("/positions/orders")
async def list_invoice_positions(
    session: Session, caller: Asking, after: OrderNumber | None = None, number: Numbers = (), limit: Many = 500
) -> list[InvoicePosition]:
    """How invoices stand, beside what the ledger says was paid, by order."""
    caller.require_admin()
    return await positions.list_invoice_positions(session, after, number, limit)


@router.get("/positions/accounts")
async def list_account_positions(
    session: Session, caller: Asking, after: UUID | None = None, limit: Many = 500
) -> list[AccountPosition]:
    """How customers' accounts stand, beside what the ledger says, by id."""
    caller.require_admin()
    return await positions.list_account_positions(session, after, limit)


@router.post("/orders/{order_number}/telling")
async def tell_again(order_number: Number, session: Session, caller: Asking) -> ToldAgain:
    """Tell the invoice's facts again, as a new version."""
    return await tell_invoice_again(session, caller, order_number)
