"""Every SELECT of billing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, and_, any_, bindparam, cast, exists, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.errors import UnknownHold, UnknownInvoice
from services.billing.holds import Hold
from services.billing.models import Account, Invoice, Transfer
from shared.auth import Caller
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.contracts.http.billing import HoldState
from shared.idempotency import Claim

Place = tuple[datetime, UUID]
LIMIT_WINDOW = timedelta(hours=24)

# Written into the statement, because an index has the same condition.
IS_WITHDRAWAL = Transfer.kind == literal("withdrawal", literal_execute=True)
IS_WAITING = Hold.state == literal("waiting", literal_execute=True)

# Written once: to build a statement costs as much as to send it.
_INVOICES_AND_ACCOUNTS = (
    select(Invoice, Account)
    .outerjoin(Account, Account.id == Invoice.customer_id)
    .where(Invoice.order_number == any_(bindparam("order_numbers", type_=ARRAY(Text))))
)

_KEYS = Invoice.metadata.tables["idempotency_keys"]
_ASKED = (
    func.unnest(
        bindparam("numbers", type_=ARRAY(Text)),
        bindparam("scopes", type_=ARRAY(Text)),
        bindparam("keys", type_=ARRAY(Text)),
    )
    .table_valued("number", "scope", "key", with_ordinality="place", name="asked")
    .render_derived()
)
_PAYABLE = (
    select(Invoice, Account, _KEYS.c.request_hash, _KEYS.c.answer)
    .select_from(_ASKED)
    .outerjoin(Invoice, Invoice.order_number == _ASKED.c.number)
    .outerjoin(Account, Account.id == Invoice.customer_id)
    .outerjoin(_KEYS, and_(_KEYS.c.scope == _ASKED.c.scope, _KEYS.c.key == _ASKED.c.key))
    .order_by(_ASKED.c.place)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Payable:
    """An order that somebody wants to pay for, as far as there is one, and what was answered to the key before."""

    invoice: Invoice | None
    account: Account | None
    request_hash: bytes | None
    answer: str | None


async def find_account(session: AsyncSession, customer_id: UUID) -> Account | None:
    return await session.get(Account, customer_id, populate_existing=True)


async def list_accounts(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, Account]:
    """Those of these customers who ever had money."""
    found = await session.scalars(select(Account).where(Account.id == any_(cast(list(customer_ids), ARRAY(Uuid)))))
    return {account.id: account for account in found}


async def lock_account(session: AsyncSession, customer_id: UUID) -> Account | None:
    return await session.get(Account, customer_id, with_for_update=True, populate_existing=True)


async def find_invoices(
    session: AsyncSession, order_numbers: Collection[str]
) -> dict[str, tuple[Invoice, Account | None]]:
    """Those that there are of these orders' invoices, each with its customer's account, if they have one."""
    found = await session.execute(_INVOICES_AND_ACCOUNTS, {"order_numbers": list(order_numbers)})
    return {invoice.order_number: (invoice, account) for invoice, account in found}


async def find_payable(session: AsyncSession, asked: Sequence[tuple[str, Claim]]) -> list[Payable]:
    """What there is to decide about each of these orders and keys, all as it was at one moment, and nothing held: who
    writes what comes of it asks whether it still is so. Known to the session no more."""
    given = {
        "numbers": [number for number, _ in asked],
        "scopes": [claim.scope for _, claim in asked],
        "keys": [claim.key for _, claim in asked],
    }
    found = [Payable(*row) for row in await session.execute(_PAYABLE, given)]
    for thing in {part for each in found for part in (each.invoice, each.account) if part is not None}:
        session.expunge(thing)
    return found


async def lock_payable(session: AsyncSession, order_number: str) -> None:
    """Wait for the invoice and its customer's account, and hold them until the transaction ends. Lock invoices before
    accounts, never after."""
    owner = select(Invoice.customer_id).where(Invoice.order_number == order_number).with_for_update()
    customer_id = await session.scalar(owner)
    await session.execute(select(Account.id).where(Account.id == customer_id).with_for_update())


def seen(invoice: Invoice | None, order_number: str, caller: Caller) -> Invoice:
    """What the caller may know of; refuses `UnknownInvoice`."""
    if invoice is None or not caller.may_see(invoice.customer_id):
        raise UnknownInvoice(order_number)
    return invoice


async def lock_invoice(session: AsyncSession, order_number: str, caller: Caller) -> Invoice:
    """The invoice, if the caller may see it, held; refuses `UnknownInvoice` otherwise."""
    return seen(await session.get(Invoice, order_number, with_for_update=True), order_number, caller)


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


async def find_withdrawable_at_once(session: AsyncSession, customer_id: UUID, limit_minor: int) -> int:
    """What is left of the limit on withdrawals that nobody else approves, by whomever of the staff: minor units."""
    lately = select(func.coalesce(func.sum(Transfer.amount_minor), 0)).where(
        Transfer.customer_id == customer_id,
        IS_WITHDRAWAL,
        Transfer.at > func.clock_timestamp() - LIMIT_WINDOW,
        ~exists().where(Hold.transfer_id == Transfer.id),
    )
    return max(0, limit_minor - int(await session.scalar(lately) or 0))


async def find_owner(session: AsyncSession, order_number: str | None, hold_id: UUID | None) -> UUID | None:
    """The customer whose invoice, or whose hold, it is."""
    found = await session.get(Invoice, order_number) if order_number else await session.get(Hold, hold_id)
    return None if found is None else found.customer_id


async def get_hold(session: AsyncSession, hold_id: UUID) -> Hold:
    """Refuses `UnknownHold`."""
    return _known(await session.get(Hold, hold_id))


async def lock_hold(session: AsyncSession, hold_id: UUID) -> Hold:
    """The same, held until the transaction ends. Lock a hold before an account, never after."""
    return _known(await session.get(Hold, hold_id, with_for_update=True, populate_existing=True))


def _known(hold: Hold | None) -> Hold:
    if hold is None:
        raise UnknownHold
    return hold


async def lock_due_hold(session: AsyncSession, now: datetime) -> Hold | None:
    """One that nobody has decided in time, and nobody else has in hand."""
    due = select(Hold).where(IS_WAITING, Hold.expires_at <= now)
    return await session.scalar(due.order_by(Hold.expires_at).limit(1).with_for_update(skip_locked=True))


async def list_holds(
    session: AsyncSession, customer_id: UUID | None, state: HoldState | None, before: Place | None, limit: int
) -> Sequence[Hold]:
    """Withdrawals that wait or waited, newest first."""
    wanted = select(Hold)
    if customer_id is not None:
        wanted = wanted.where(Hold.customer_id == customer_id)
    if state is not None:
        wanted = wanted.where(IS_WAITING if state is HoldState.WAITING else Hold.state == state)
    if before is not None:
        wanted = wanted.where(tuple_(Hold.asked_at, Hold.id) < before)
    return (await session.scalars(wanted.order_by(Hold.asked_at.desc(), Hold.id.desc()).limit(limit))).all()


async def count_waiting_holds(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).where(IS_WAITING)) or 0


async def count_untold_payments(session: AsyncSession, most: int) -> int:
    """Payments and refunds of which orders cannot have heard yet, among the events that have waited longest."""
    outbox = Invoice.metadata.tables["outbox"]
    waiting = select(outbox.c.routing_key).order_by(outbox.c.position).limit(most).subquery()
    about_money = waiting.c.routing_key.in_([OrderPaid.routing_key, OrderRefunded.routing_key])
    return await session.scalar(select(func.count()).where(about_money)) or 0
