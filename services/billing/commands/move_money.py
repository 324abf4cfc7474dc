"""Staff put money on a customer's balance, or take it off."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger
from services.billing.errors import CurrencyMismatch
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.billing import MoneyMoved, MoveMoney, TransferKind


async def move_money(
    session: AsyncSession, caller: Caller, customer_id: UUID, kind: TransferKind, wanted: MoveMoney, shop_currency: str
) -> MoneyMoved:
    """A deposit, or a withdrawal that waits for nobody.

    Refuses `Forbidden`, `CurrencyMismatch`, `InsufficientFunds`, `BalanceTooLarge`.
    """
    caller.require_money_right()
    if wanted.currency != shop_currency:
        raise CurrencyMismatch(wanted.currency, shop_currency)
    await ledger.open_account(session, customer_id, shop_currency)
    reason = ledger.Reason(kind, caller.login, wanted.note, wanted.staff_note)
    moved = await ledger.transfer(session, customer_id, wanted.currency, wanted.amount_minor, reason)
    await record_act(
        session,
        caller,
        kind.value,
        str(customer_id),
        wanted.staff_note or wanted.note,
        amount_minor=wanted.amount_minor,
        currency=wanted.currency,
        transfer_id=str(moved.transfer_id),
        balance_minor=moved.balance_minor,
        balance_minor_before=moved.balance_before_minor,
    )
    return MoneyMoved(
        transfer_id=moved.transfer_id,
        balance_minor=moved.balance_minor,
        held_minor=moved.held_minor,
        available_minor=moved.available_minor,
        currency=wanted.currency,
    )
