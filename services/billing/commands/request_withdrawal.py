"""Staff withdraw from a customer's balance: at once up to a limit, beyond it once another person has approved it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger, queries, views
from services.billing.commands.move_money import move_money
from services.billing.errors import CurrencyMismatch
from services.billing.holds import Hold
from services.billing.settings import WithdrawalRule
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.billing import HoldState, MoveMoney, TransferKind, WithdrawalAnswer
from shared.ids import new_id


async def request_withdrawal(
    session: AsyncSession,
    caller: Caller,
    customer_id: UUID,
    wanted: MoveMoney,
    shop_currency: str,
    rule: WithdrawalRule,
) -> WithdrawalAnswer:
    """Withdraw, or let it wait. Refuses `Forbidden`, `CurrencyMismatch`, `InsufficientFunds`.

    Small ones add up: whatever left this balance within 24 hours without approval counts, whoever asked. It is added
    up under the account's lock, so that of two at once the second sees the first.
    """
    caller.require_money_right()
    if wanted.currency != shop_currency:
        raise CurrencyMismatch(wanted.currency, shop_currency)
    await queries.lock_account(session, customer_id)
    if wanted.amount_minor <= await queries.find_withdrawable_at_once(session, customer_id, rule.limit_minor):
        moved = await move_money(session, caller, customer_id, TransferKind.WITHDRAWAL, wanted, shop_currency)
        return WithdrawalAnswer(moved)
    hold = await _begin(session, caller, customer_id, wanted, rule)
    return WithdrawalAnswer(views.hold_view(hold, caller))


async def _begin(
    session: AsyncSession, caller: Caller, customer_id: UUID, wanted: MoveMoney, rule: WithdrawalRule
) -> Hold:
    version = await ledger.hold(session, customer_id, wanted.currency, wanted.amount_minor)
    now = datetime.now(UTC)
    hold = Hold(
        id=new_id(),
        customer_id=customer_id,
        amount_minor=wanted.amount_minor,
        currency=wanted.currency,
        note=wanted.note,
        staff_note=wanted.staff_note,
        asked_by=caller.login,
        asked_at=now,
        expires_at=now + timedelta(days=rule.approval_days),
        begun_version=version,
        state=HoldState.WAITING.value,
    )
    session.add(hold)
    await outbox.record(session, hold.told())
    note = wanted.staff_note or wanted.note
    await record_act(session, caller, "ask_withdrawal", str(customer_id), note, **hold.facts())
    return hold
