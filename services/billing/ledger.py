"""The only code that moves money."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.errors import BalanceTooLarge, InsufficientFunds
from services.billing.models import LARGEST_BALANCE_MINOR, Account, ShopAccount, Transfer
from shared import outbox
from shared.contracts.billing import BalanceChanged
from shared.contracts.http.billing import TransferKind

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
    """A transfer that was made, and the customer's money after it."""

    transfer_id: UUID
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
    into = reason.kind in (TransferKind.DEPOSIT, TransferKind.REFUND)
    moved = await (_credit if into else _debit)(session, customer_id, amount_minor)
    shop = _SHOP_SIDE[reason.kind].id(currency)
    transfer_id = uuid4()
    await session.execute(
        insert(Transfer).values(
            id=transfer_id,
            customer_id=customer_id,
            account_version=moved.version,
            debit_account=shop if into else customer_id,
            credit_account=customer_id if into else shop,
            amount_minor=amount_minor,
            currency=currency,
            kind=reason.kind.value,
            balance_after_minor=moved.balance_minor,
            order_number=reason.order_number,
            order_version=reason.order_version,
            line=reason.line,
            note=reason.note,
            staff_note=reason.staff_note,
            made_by=reason.made_by,
        )
    )
    told = BalanceChanged(
        customer_id=customer_id,
        currency=currency,
        balance_minor=moved.balance_minor,
        held_minor=moved.held_minor,
        available_minor=moved.balance_minor - moved.held_minor,
        version=moved.version,
        at=datetime.now(UTC),
    )
    await outbox.record(session, told)
    return Moved(transfer_id, moved.balance_minor, moved.held_minor)


@dataclass(frozen=True)
class _Changed:
    balance_minor: int
    held_minor: int
    version: int


async def _debit(session: AsyncSession, customer_id: UUID, amount_minor: int) -> _Changed:
    enough = Account.balance_minor - Account.held_minor >= amount_minor
    changed = await _change(session, customer_id, -amount_minor, enough)
    if changed is None:
        raise InsufficientFunds("The balance has less available than that.")
    return changed


async def _credit(session: AsyncSession, customer_id: UUID, amount_minor: int) -> _Changed:
    fits = Account.balance_minor + amount_minor <= LARGEST_BALANCE_MINOR
    changed = await _change(session, customer_id, amount_minor, fits)
    if changed is None:
        raise BalanceTooLarge("The balance would become larger than this shop can show.")
    return changed


async def _change(session: AsyncSession, customer_id: UUID, change_minor: int, allowed: object) -> _Changed | None:
    changed = await session.execute(
        update(Account)
        .where(Account.id == customer_id, Account.kind == "customer", allowed)  # type: ignore[arg-type]
        .values(balance_minor=Account.balance_minor + change_minor, version=Account.version + 1)
        .returning(Account.balance_minor, Account.held_minor, Account.version)
        .execution_options(synchronize_session=False)
    )
    row = changed.first()
    return None if row is None else _Changed(row.balance_minor, row.held_minor, row.version)
