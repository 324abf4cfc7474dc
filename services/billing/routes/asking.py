"""What billing's routes ask for, beside what every service's do."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request

from services.billing.commands.note_refusal import note_refusal
from services.billing.errors import UnknownCustomer
from services.billing.settings import WithdrawalRule
from shared.auth import Caller
from shared.contracts.base import OrderNumber
from shared.errors import Refusal
from shared.web import Asking

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
