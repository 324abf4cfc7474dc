"""The only code that moves money, or holds it; many payments at once: `debits`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.errors import BalanceTooLarge, InsufficientFunds
from services.billing.models import LARGEST_BALANCE_MINOR, Account, ShopAccount, Transfer
from shared import outbox
from shared.contracts.billing import BalanceChanged
from shared.contracts.http.billing import TransferKind
from shared.ids import new_id

_SHOP_SIDE = {
    TransferKind.DEPOSIT: ShopAccount.CASH,
    TransferKind.WITHDRAWAL: ShopAccount.CASH,
    TransferKind.PAYMENT: ShopAccount.SALES,
    TransferKind.REFUND: ShopAccount.SALES,
}


@dataclass(frozen=True)
class Reason:
    """Why money moves, as the statement and the books will say it."""

    kind: TransferKind
    made_by: str
    note: str | None = None
    staff_note: str | None = None
    order_number: str | None = None
    order_version: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Moved:
    """A transfer that was made, and the customer's money before and after it."""

    transfer_id: UUID
    balance_before_minor: int
    balance_minor: int
    held_minor: int

    @property
    def available_minor(self) -> int:
        return self.balance_minor - self.held_minor


async def open_account(session: AsyncSession, customer_id: UUID, currency: str) -> None:
    """Make the customer's account at its first use, and the shop's in the shop's first minute."""
    rows = [{"id": customer_id, "kind": "customer", "currency": currency}]
    rows += [{"id": side.id(currency), "kind": side.value, "currency": currency} for side in ShopAccount]
    await session.execute(upsert(Account).values(rows).on_conflict_do_nothing())


async def transfer(session: AsyncSession, customer_id: UUID, currency: str, amount_minor: int, reason: Reason) -> Moved:
    """Move `amount_minor` between a customer and the shop, in the direction of its kind, and tell the new balance.

    Refuses `InsufficientFunds` and `BalanceTooLarge`. The balance changes in one conditional statement, so that no two
    transfers can both have seen the same money; its row stays locked until the transaction ends.
    """
    changed = await (_credit if _comes_in(reason) else _debit)(session, customer_id, amount_minor)
    return await _post(session, customer_id, currency, amount_minor, reason, changed)


async def hold(session: AsyncSession, customer_id: UUID, currency: str, amount_minor: int) -> int:
    """Set so much aside that it can be neither paid nor withdrawn. Gives the account's version; refuses
    `InsufficientFunds`."""
    changed = await _change(session, customer_id, _available_minor >= amount_minor, held=amount_minor)
    if changed is None:
        raise _insufficient()
    await _tell(session, customer_id, currency, changed)
    return changed.version


async def release(session: AsyncSession, customer_id: UUID, currency: str, amount_minor: int) -> int:
    """Let go of what was held: it is available again. Gives the account's version."""
    changed = await _take_from_held(session, customer_id, amount_minor)
    await _tell(session, customer_id, currency, changed)
    return changed.version


async def transfer_held(
    session: AsyncSession, customer_id: UUID, currency: str, amount_minor: int, reason: Reason
) -> Moved:
    """Withdraw what was held: one change of the account, so that nobody else can have it in between."""
    changed = await _take_from_held(session, customer_id, amount_minor, balance=-amount_minor)
    return await _post(session, customer_id, currency, amount_minor, reason, changed)


@dataclass(frozen=True)
class Changed:
    """An account after a change."""

    balance_minor: int
    held_minor: int
    version: int


_available_minor = Account.balance_minor - Account.held_minor


async def _debit(session: AsyncSession, customer_id: UUID, amount_minor: int) -> Changed:
    changed = await _change(session, customer_id, _available_minor >= amount_minor, balance=-amount_minor)
    if changed is None:
        raise _insufficient()
    return changed


async def _credit(session: AsyncSession, customer_id: UUID, amount_minor: int) -> Changed:
    fits = Account.balance_minor + amount_minor <= LARGEST_BALANCE_MINOR
    changed = await _change(session, customer_id, fits, balance=amount_minor)
    if changed is None:
        raise BalanceTooLarge("The balance would become larger than this shop can show.")
    return changed


async def _take_from_held(session: AsyncSession, customer_id: UUID, amount_minor: int, balance: int = 0) -> Changed:
    is_held = Account.held_minor >= amount_minor
    changed = await _change(session, customer_id, is_held, balance=balance, held=-amount_minor)
    if changed is None:
        raise LookupError(f"the account {customer_id} does not hold what waits")
    return changed


async def _change(
    session: AsyncSession, customer_id: UUID, allowed: ColumnElement[bool], balance: int = 0, held: int = 0
) -> Changed | None:
    changed = await session.execute(
        update(Account)
        .where(Account.id == customer_id, Account.kind == "customer", allowed)
        .values(
            balance_minor=Account.balance_minor + balance,
            held_minor=Account.held_minor + held,
            version=Account.version + 1,
        )
        .returning(Account.balance_minor, Account.held_minor, Account.version)
        .execution_options(synchronize_session=False)
    )
    row = changed.first()
    return None if row is None else Changed(row.balance_minor, row.held_minor, row.version)


async def _post(
    session: AsyncSession, customer_id: UUID, currency: str, amount_minor: int, reason: Reason, changed: Changed
) -> Moved:
    """Write the transfer down that goes with a changed balance, and tell the balance."""
    shop = _SHOP_SIDE[reason.kind].id(currency)
    into = _comes_in(reason)
    transfer_id = new_id()
    await session.execute(
        insert(Transfer).values(
            id=transfer_id,
            customer_id=customer_id,
            account_version=changed.version,
            debit_account=shop if into else customer_id,
            credit_account=customer_id if into else shop,
            amount_minor=amount_minor,
            currency=currency,
            kind=reason.kind.value,
            balance_after_minor=changed.balance_minor,
            order_number=reason.order_number,
            order_version=reason.order_version,
            line=reason.line,
            note=reason.note,
            staff_note=reason.staff_note,
            made_by=reason.made_by,
        )
    )
    await _tell(session, customer_id, currency, changed)
    before_minor = changed.balance_minor - (amount_minor if into else -amount_minor)
    return Moved(transfer_id, before_minor, changed.balance_minor, changed.held_minor)


def _comes_in(reason: Reason) -> bool:
    return reason.kind in (TransferKind.DEPOSIT, TransferKind.REFUND)


async def _tell(session: AsyncSession, customer_id: UUID, currency: str, changed: Changed) -> None:
    await outbox.record(session, told(customer_id, currency, changed))


def told(customer_id: UUID, currency: str, changed: Changed) -> BalanceChanged:
    """The news of a balance."""
    return BalanceChanged(
        customer_id=customer_id,
        currency=currency,
        balance_minor=changed.balance_minor,
        held_minor=changed.held_minor,
        available_minor=changed.balance_minor - changed.held_minor,
        version=changed.version,
        at=datetime.now(UTC),
    )


def _insufficient() -> InsufficientFunds:
    return InsufficientFunds("The balance has less available than that.")
