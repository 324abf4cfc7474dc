"""Every SELECT of billing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.errors import UnknownInvoice
from services.billing.models import Account, Invoice, Transfer
from shared.auth import Caller


async def find_account(session: AsyncSession, customer_id: UUID) -> Account | None:
    return await session.get(Account, customer_id, populate_existing=True)


async def lock_account(session: AsyncSession, customer_id: UUID) -> Account | None:
    return await session.get(Account, customer_id, with_for_update=True, populate_existing=True)


async def get_invoice(session: AsyncSession, order_number: str, caller: Caller) -> Invoice:
    """The invoice, if the caller may see it; refuses `UnknownInvoice` otherwise."""
    return _seen(await session.get(Invoice, order_number), order_number, caller)


async def lock_invoice(session: AsyncSession, order_number: str, caller: Caller) -> Invoice:
    """The same, held until the transaction ends. Lock an invoice before an account, never after."""
    return _seen(await session.get(Invoice, order_number, with_for_update=True), order_number, caller)


def _seen(invoice: Invoice | None, order_number: str, caller: Caller) -> Invoice:
    if invoice is None or not caller.may_see(invoice.customer_id):
        raise UnknownInvoice(order_number)
    return invoice


async def lock_known_invoice(session: AsyncSession, order_number: str) -> Invoice:
    """The invoice, held, for what the orders service tells about it."""
    return await session.get_one(Invoice, order_number, with_for_update=True)


async def find_last_transfer(session: AsyncSession, order_number: str) -> Transfer | None:
    """The newest one for an order."""
    wanted = select(Transfer).where(Transfer.order_number == order_number)
    return await session.scalar(wanted.order_by(Transfer.account_version.desc()).limit(1))


async def list_transfers(
    session: AsyncSession,
    customer_id: UUID,
    since: datetime | None,
    until: datetime | None,
    after_version: int,
    limit: int,
) -> Sequence[Transfer]:
    """A customer's transfers, oldest first, made at `since` or later and before `until`."""
    wanted = select(Transfer).where(Transfer.customer_id == customer_id, Transfer.account_version > after_version)
    if since is not None:
        wanted = wanted.where(Transfer.at >= since)
    if until is not None:
        wanted = wanted.where(Transfer.at < until)
    return (await session.scalars(wanted.order_by(Transfer.account_version).limit(limit))).all()


async def find_balance_at(session: AsyncSession, customer_id: UUID, at: datetime) -> int:
    """What the balance was just before `at`."""
    before = (
        select(Transfer.balance_after_minor)
        .where(Transfer.customer_id == customer_id, Transfer.at < at)
        .order_by(Transfer.account_version.desc())
        .limit(1)
    )
    return await session.scalar(before) or 0
