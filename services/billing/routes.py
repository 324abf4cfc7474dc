"""Billing's door for HTTP: each route is one call."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.billing import positions, queries, views
from services.billing.commands.approve_withdrawal import approve_withdrawal
from services.billing.commands.move_money import move_money
from services.billing.commands.note_refusal import note_refusal
from services.billing.commands.pay_for_order import pay_for_order
from services.billing.commands.refuse_withdrawal import refuse_withdrawal
from services.billing.commands.request_withdrawal import request_withdrawal
from services.billing.commands.tell_invoice_again import tell_invoice_again
from services.billing.errors import UnknownCustomer
from services.billing.settings import WithdrawalRule
from shared import outbox
from shared.acts import list_acts
from shared.auth import Caller
from shared.bodies import UnambiguousRoute
from shared.contracts.base import Day, OrderNumber
from shared.contracts.http.base import ActView, Page
from shared.contracts.http.billing import (
    BalanceView,
    Decide,
    HoldCounts,
    HoldState,
    HoldView,
    InvoiceView,
    MoneyMoved,
    MoveMoney,
    PayForOrder,
    PaymentView,
    StatementView,
    TransferKind,
    WithdrawalAnswer,
    WithdrawalLimitView,
)
from shared.contracts.http.reconciliation import AccountPosition, InvoicePosition, ToldAgain
from shared.errors import Refusal
from shared.web import (
    Asking,
    Cursor,
    Limit,
    Many,
    Numbers,
    Once,
    Session,
    decode_cursor,
    decode_place,
    encode_cursor,
    encode_place,
)

router = APIRouter(route_class=UnambiguousRoute, tags=["billing"])
Number = Annotated[OrderNumber, Path()]


async def _shop_currency(request: Request) -> str:
    return str(request.app.state.currency)


async def _withdrawal_rule(request: Request) -> WithdrawalRule:
    rule: WithdrawalRule = request.app.state.withdrawals
    return rule


ShopCurrency = Annotated[str, Depends(_shop_currency)]
Rule = Annotated[WithdrawalRule, Depends(_withdrawal_rule)]


async def _own_or_staff(customer_id: UUID, caller: Asking) -> Caller:
    if not caller.may_see(customer_id):
        raise UnknownCustomer
    return caller


Seeing = Annotated[Caller, Depends(_own_or_staff)]


async def _noting_refusals(request: Request, caller: Asking) -> AsyncIterator[None]:
    """Around the transaction that is refused: what staff have tried is written down in one of its own."""
    try:
        yield
    except Refusal as refusal:
        if caller.is_staff:
            tried, wanted = request.scope["route"].name, await request.json()
            async with request.app.state.database.transaction() as session:
                await note_refusal(session, caller, tried, refusal.code, request.path_params, wanted)
        raise


NOTED = [Depends(_noting_refusals, scope="function")]


@router.post("/customers/{customer_id}/deposits", status_code=201, dependencies=NOTED)
async def deposit(
    customer_id: UUID, wanted: MoveMoney, session: Session, caller: Seeing, once: Once, currency: ShopCurrency
) -> MoneyMoved:
    """Put money on a customer's balance."""
    return await once(
        MoneyMoved, lambda: move_money(session, caller, customer_id, TransferKind.DEPOSIT, wanted, currency)
    )


@router.post(
    "/customers/{customer_id}/withdrawals", status_code=201, responses={202: {"model": HoldView}}, dependencies=NOTED
)
async def withdraw(
    customer_id: UUID,
    wanted: MoveMoney,
    session: Session,
    caller: Seeing,
    once: Once,
    currency: ShopCurrency,
    rule: Rule,
    response: Response,
) -> MoneyMoved | HoldView:
    """Take money off a customer's balance: at once (201), or when another person has approved it (202)."""
    answer = await once(
        WithdrawalAnswer, lambda: request_withdrawal(session, caller, customer_id, wanted, currency, rule)
    )
    if isinstance(answer.root, HoldView):
        response.status_code = 202
    return answer.root


@router.get("/customers/{customer_id}/withdrawal-limit")
async def get_withdrawal_limit(
    customer_id: UUID, session: Session, caller: Asking, currency: ShopCurrency, rule: Rule
) -> WithdrawalLimitView:
    """How much more can be taken off a customer's balance without another person's approval."""
    caller.require_staff()
    at_once_minor = await queries.find_withdrawable_at_once(session, customer_id, rule.limit_minor)
    return WithdrawalLimitView(
        customer_id=customer_id, currency=currency, limit_minor=rule.limit_minor, at_once_minor=at_once_minor
    )


@router.get("/holds")
async def list_holds(
    session: Session,
    caller: Asking,
    state: HoldState | None = None,
    customer_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[HoldView]:
    """Withdrawals that wait for another person's approval, or waited, newest first."""
    caller.require_staff()
    found = await queries.list_holds(session, customer_id, state, decode_place(cursor), limit + 1)
    shown = found[:limit]
    next_ = encode_place(shown[-1].asked_at, shown[-1].id) if len(found) > limit else None
    return Page(items=[views.hold_view(hold, caller) for hold in shown], next=next_)


@router.get("/hold-counts")
async def get_hold_counts(session: Session, caller: Asking) -> HoldCounts:
    """How many withdrawals wait."""
    caller.require_staff()
    return HoldCounts(waiting=await queries.count_waiting_holds(session))


@router.get("/holds/{hold_id}")
async def get_hold(hold_id: UUID, session: Session, caller: Asking) -> HoldView:
    """A withdrawal that waits, or waited."""
    caller.require_staff()
    return views.hold_view(await queries.get_hold(session, hold_id), caller)


@router.post("/holds/{hold_id}/approval", dependencies=NOTED)
async def approve(hold_id: UUID, decision: Decide, session: Session, caller: Asking, once: Once) -> HoldView:
    """Let it happen; not one's own."""
    return await once(HoldView, lambda: approve_withdrawal(session, caller, hold_id, decision))


@router.post("/holds/{hold_id}/refusal", dependencies=NOTED)
async def refuse(hold_id: UUID, decision: Decide, session: Session, caller: Asking, once: Once) -> HoldView:
    """Make its money available again; whoever asked for it takes it back so."""
    return await once(HoldView, lambda: refuse_withdrawal(session, caller, hold_id, decision))


@router.post("/orders/{order_number}/payments", status_code=201, dependencies=NOTED)
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
    since: Annotated[Day | None, Query(alias="from", description="The first day, UTC.")] = None,
    to: Annotated[Day | None, Query(description="The last day, UTC.")] = None,
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


@router.get("/orders/{order_number}/acts")
async def get_invoice_acts(order_number: Number, session: Session, caller: Asking) -> list[ActView]:
    """What staff did with an order's invoice, other than paying it, newest first."""
    caller.require_staff()
    return await list_acts(session, order_number)


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


@router.get("/positions/orders/lately")
async def list_told_lately(
    session: Session, caller: Asking, after: OrderNumber | None = None, limit: Many = 500
) -> list[OrderNumber]:
    """Orders whose invoices were told of within minutes, or are yet to be, by number."""
    caller.require_admin()
    return await outbox.list_told_lately(session, "invoice", after or "", limit)


@router.post("/orders/{order_number}/telling")
async def tell_again(order_number: Number, session: Session, caller: Asking) -> ToldAgain:
    """Tell the invoice's facts again, as a new version."""
    return await tell_invoice_again(session, caller, order_number)
