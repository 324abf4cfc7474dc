"""What billing's routes ask for, beside what every service's do."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request

from services.billing.commands.note_refusal import note_refusal
from services.billing.commands.pay_for_order import Payment, pay_for_order, pay_for_order_held
from services.billing.errors import UnknownCustomer
from services.billing.settings import WithdrawalRule
from shared import failpoints
from shared.auth import Caller
from shared.batches import Batches
from shared.contracts.base import OrderNumber
from shared.contracts.http.billing import PaymentView
from shared.db import Database
from shared.errors import Refusal
from shared.web import Asking, edge

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


Payments = Batches[Payment, PaymentView]


async def pay_together(database: Database, payments: Sequence[Payment]) -> list[PaymentView | Refusal | None]:
    """What was asked for while others were being paid: two statements, of which the second is the transaction."""
    async with database.autocommit() as session:
        answers = await pay_for_order(session, payments)
    failpoints.hit("after_commit", *session.info.get("told", ()))
    return answers


async def pay_alone(database: Database, payment: Payment) -> PaymentView | Refusal:
    """What somebody came between."""
    async with edge(database) as session:
        return await pay_for_order_held(session, payment)


async def _payments(request: Request) -> Payments:
    payments: Payments = request.app.state.payments
    return payments


PaidTogether = Annotated[Payments, Depends(_payments)]
NOTED = [Depends(_noting_refusals, scope="function")]
