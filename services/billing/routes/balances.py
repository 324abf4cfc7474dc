"""Customers' balances, and what moves them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.billing import queries, views
from services.billing.commands.move_money import move_money
from services.billing.commands.request_withdrawal import request_withdrawal
from services.billing.routes.asking import NOTED, Rule, Seeing, ShopCurrency
from shared.acts import list_acts
from shared.bodies import UnambiguousRoute
from shared.contracts.base import Day
from shared.contracts.http.base import ActView
from shared.contracts.http.billing import (
    BalanceView,
    HoldView,
    MoneyMoved,
    MoveMoney,
    StatementView,
    TransferKind,
    WithdrawalAnswer,
    WithdrawalLimitView,
)
from shared.cursors import Cursor, Ids, Limit, decode_cursor, encode_cursor
from shared.web import Asking, Once, Reading, Session

router = APIRouter(route_class=UnambiguousRoute, tags=["billing"])


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
    customer_id: UUID, session: Reading, caller: Asking, currency: ShopCurrency, rule: Rule
) -> WithdrawalLimitView:
    """How much more can be taken off a customer's balance without another person's approval."""
    caller.require_staff()
    at_once_minor = await queries.find_withdrawable_at_once(session, customer_id, rule.limit_minor)
    return WithdrawalLimitView(
        customer_id=customer_id, currency=currency, limit_minor=rule.limit_minor, at_once_minor=at_once_minor
    )


@router.get("/customers/{customer_id}/balance")
async def get_balance(customer_id: UUID, session: Reading, caller: Seeing, currency: ShopCurrency) -> BalanceView:
    """A customer's money."""
    return views.balance_view(customer_id, await queries.find_account(session, customer_id), currency, caller)


@router.get("/balances")
async def list_balances(
    session: Reading, caller: Asking, currency: ShopCurrency, customer_id: Ids = ()
) -> list[BalanceView]:
    """The money of each of these customers."""
    caller.require_staff()
    accounts = await queries.list_accounts(session, customer_id)
    return [views.balance_view(each, accounts.get(each), currency, caller) for each in customer_id]


@router.get("/customers/{customer_id}/transfers")
async def get_statement(
    customer_id: UUID,
    session: Reading,
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
async def get_acts(customer_id: UUID, session: Reading, caller: Asking) -> list[ActView]:
    """What staff did with a customer's money, newest first."""
    caller.require_staff()
    return await list_acts(session, str(customer_id))
