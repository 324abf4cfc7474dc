"""What billing's routes ask for, beside what every service's do."""

import asyncio
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


async def note_refusals(
    database: Database, payments: Sequence[Payment], answers: Sequence[PaymentView | Refusal | None]
) -> None:
    """The same of payments that were tried together."""
    for payment, answer in zip(payments, answers, strict=True):
        if isinstance(answer, Refusal) and payment.caller.is_staff:
            noting = _note_payment(database, payment, answer)
            await asyncio.get_running_loop().create_task(noting, context=payment.context)


async def _note_payment(database: Database, payment: Payment, refusal: Refusal) -> None:
    named, wanted = {"order_number": payment.order_number}, payment.wanted.model_dump()
    async with database.transaction() as session:
        await note_refusal(session, payment.caller, "pay", refusal.code, named, wanted)


async def pay_together(database: Database, payments: Sequence[Payment]) -> list[PaymentView | Refusal | None]:
    """Two statements, of which the second is the transaction; None where somebody came between: `pay_alone`."""
    async with database.autocommit() as session:
        answers = await pay_for_order(session, payments)
    failpoints.hit("after_commit", *session.info.get("told", ()))
    return answers


async def pay_alone(database: Database, payment: Payment) -> PaymentView | Refusal:
    """Waits for whoever has the order or the balance in hand."""
    async with edge(database) as session:
        return await pay_for_order_held(session, payment)


NOTED = [Depends(_noting_refusals, scope="function")]
