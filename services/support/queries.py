"""Every SELECT of support."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.support.errors import UnknownTicket
from services.support.models import Counts, Message, Operation, ShopCount, Ticket
from shared.auth import Caller
from shared.rows import any_given

Place = tuple[datetime, UUID]
Held = tuple[Ticket, Counts]


# Written once: to build a statement costs as much as to send it.
_WITH_COUNTS = (
    select(Ticket, Counts)
    .join(Counts, Counts.customer_id == Ticket.customer_id)
    .where(Ticket.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(Ticket.id)
    .execution_options(populate_existing=True)
)
_HELD = _WITH_COUNTS.with_for_update(of=[Ticket, Counts])
_FREE = _WITH_COUNTS.with_for_update(of=[Ticket, Counts], skip_locked=True)
_ABOUT = (
    select(Ticket)
    .where(Ticket.order_number == any_(bindparam("numbers", type_=ARRAY(Text))))
    .order_by(Ticket.id)
    .with_for_update()
)
_COUNTS = select(Counts).where(Counts.customer_id == any_given("customer_ids", Uuid()))


async def get_ticket(session: AsyncSession, ticket_id: UUID, caller: Caller) -> Ticket:
    """Refuses `UnknownTicket`, also where it is another customer's."""
    ticket = await session.get(Ticket, ticket_id)
    if ticket is None or not caller.may_see(ticket.customer_id):
        raise UnknownTicket
    return ticket


async def lock_tickets(session: AsyncSession, ticket_ids: Collection[UUID], wait: bool) -> dict[UUID, Held]:
    """Those that there are, each with its customer's counts, held until the transaction ends, and known to the session
    no more: whoever changes them records it (`telling.record`).

    Without `wait` those are left out of which somebody else holds a part. Lock order: conversations about an order,
    tickets, their customers' counts, the shop's count; several tickets in the order of their ids, but never several
    with their counts and waiting.
    """
    found = {
        ticket.id: (ticket, counts)
        for ticket, counts in await session.execute(_HELD if wait else _FREE, {"ids": list(ticket_ids)})
    }
    session.expunge_all()
    return found


async def lock_ticket(session: AsyncSession, ticket_id: UUID, caller: Caller) -> Held:
    """One. Refuses `UnknownTicket`, also where it is another customer's."""
    return seen((await lock_tickets(session, [ticket_id], wait=True)).get(ticket_id), caller)


def seen(found: Held | None, caller: Caller) -> Held:
    """What the caller may know of; refuses `UnknownTicket`."""
    if found is None or not caller.may_see(found[0].customer_id):
        raise UnknownTicket
    return found


# Two keys: the relay's and the archive's locks, of one key each, can never be met by chance. In one order, so that no
# two who want several wait for each other.
LOCK_CONVERSATIONS = """
    SELECT pg_advisory_xact_lock(hashtext('conversations'), key)
    FROM (SELECT DISTINCT hashtext(n) AS key FROM unnest(CAST(:numbers AS text[])) n ORDER BY key) keys
"""


async def lock_conversations_about(session: AsyncSession, order_number: str) -> None:
    """Hold that none begins: a ticket and an operation that come at one moment would miss each other. Lock it first."""
    await session.execute(text(LOCK_CONVERSATIONS), {"numbers": [order_number]})


async def lock_tickets_about(session: AsyncSession, order_numbers: Sequence[str]) -> Sequence[Ticket]:
    """The conversations about these orders, held, in the order of their ids, and known to the session no more."""
    tickets = (await session.scalars(_ABOUT, {"numbers": order_numbers})).all()
    session.expunge_all()
    return tickets


async def list_noted(
    session: AsyncSession, ticket_ids: Collection[UUID], transfer_ids: Collection[UUID]
) -> set[tuple[UUID, UUID | None]]:
    """Which of these conversations tell of which of these transfers."""
    noted = select(Message.ticket_id, Message.transfer_id).where(
        Message.ticket_id.in_(ticket_ids), Message.transfer_id.in_(transfer_ids)
    )
    return {(ticket_id, transfer_id) for ticket_id, transfer_id in await session.execute(noted)}


async def list_tickets(
    session: AsyncSession, customer_id: UUID | None, new: bool | None, before: Place | None, limit: int
) -> Sequence[Ticket]:
    """Conversations, the one that changed last first."""
    wanted = select(Ticket)
    if customer_id is not None:
        wanted = wanted.where(Ticket.customer_id == customer_id)
    if new is not None:
        wanted = wanted.where(Ticket.new if new else ~Ticket.new)
    if before is not None:
        wanted = wanted.where(tuple_(Ticket.changed_at, Ticket.id) < before)
    return (await session.scalars(wanted.order_by(Ticket.changed_at.desc(), Ticket.id.desc()).limit(limit))).all()


async def list_messages(
    session: AsyncSession, ticket_id: UUID, before_seq: int | None, limit: int
) -> Sequence[tuple[Message, Operation | None]]:
    """A conversation's newest messages (before `before_seq`), newest first, with the money that they tell of."""
    wanted = (
        select(Message, Operation)
        .outerjoin(Operation, Operation.transfer_id == Message.transfer_id)
        .where(Message.ticket_id == ticket_id)
    )
    if before_seq is not None:
        wanted = wanted.where(Message.seq < before_seq)
    rows = await session.execute(wanted.order_by(Message.seq.desc()).limit(limit))
    return [(message, operation) for message, operation in rows]


async def list_operations(session: AsyncSession, order_number: str, customer_id: UUID) -> Sequence[Operation]:
    """Money that has moved for a customer's order, oldest first; nothing where the order is another customer's."""
    wanted = select(Operation).where(Operation.order_number == order_number, Operation.customer_id == customer_id)
    return (await session.scalars(wanted.order_by(Operation.at))).all()


async def find_counts(session: AsyncSession, customer_id: UUID) -> Counts | None:
    return await session.get(Counts, customer_id)


async def list_counts(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, Counts]:
    """Those of these customers who ever had a ticket."""
    found = await session.scalars(_COUNTS, {"customer_ids": list(customer_ids)})
    return {counts.customer_id: counts for counts in found}


async def lock_counts(session: AsyncSession, customer_id: UUID) -> Counts:
    """A customer's counts, held, zeros where there were none: whoever changes a ticket of theirs waits to count it."""
    zeros = insert(Counts).values(customer_id=customer_id, total=0, new=0, answered=0, version=0)
    held = zeros.on_conflict_do_update(
        index_elements=[Counts.customer_id], set_={"customer_id": zeros.excluded.customer_id}
    )
    found = await session.scalars(held.returning(Counts), execution_options={"populate_existing": True})
    return found.one()


async def get_shop_count(session: AsyncSession) -> ShopCount:
    return await session.get_one(ShopCount, True)


async def lock_shop_count(session: AsyncSession) -> ShopCount:
    """The same, held."""
    return await session.get_one(ShopCount, True, with_for_update=True, populate_existing=True)


async def count_tickets(session: AsyncSession, customer_id: UUID) -> tuple[int, int, int]:
    """A customer's tickets one by one: all, new, answered."""
    new, answered = func.count().filter(Ticket.new), func.count().filter(Ticket.answered)
    row = await session.execute(select(func.count(), new, answered).where(Ticket.customer_id == customer_id))
    return row.one()


async def count_new_tickets(session: AsyncSession) -> int:
    """The shop's new tickets one by one."""
    return await session.scalar(select(func.count()).where(Ticket.new)) or 0
