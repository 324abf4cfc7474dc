"""Every SELECT of support."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, cast, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.support.errors import UnknownTicket
from services.support.models import Counts, Message, Operation, ShopCount, Ticket
from shared.auth import Caller

Place = tuple[datetime, UUID]


async def get_ticket(session: AsyncSession, ticket_id: UUID, caller: Caller) -> Ticket:
    """Refuses `UnknownTicket`, also where it is another customer's."""
    return _seen(await session.get(Ticket, ticket_id), caller)


async def lock_ticket(session: AsyncSession, ticket_id: UUID, caller: Caller) -> Ticket:
    """The same, held until the transaction ends. Lock order: ticket, its customer's counts, the shop's count."""
    return _seen(await session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True), caller)


def _seen(ticket: Ticket | None, caller: Caller) -> Ticket:
    if ticket is None or not caller.may_see(ticket.customer_id):
        raise UnknownTicket
    return ticket


async def lock_conversations_about(session: AsyncSession, order_numbers: Sequence[str]) -> None:
    """Hold that none begins: a ticket and an operation that come at one moment would miss each other. Lock it first."""
    # Two keys: the relay's and the archive's locks, of one key each, can never be met by chance. In one order, so that
    # no two who want several wait for each other.
    await session.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtext('conversations'), key)"
            " FROM (SELECT DISTINCT hashtext(n) AS key FROM unnest(CAST(:numbers AS text[])) n ORDER BY key) keys"
        ),
        {"numbers": list(order_numbers)},
    )


async def lock_tickets_about(session: AsyncSession, order_numbers: Sequence[str]) -> Sequence[Ticket]:
    """The conversations about these orders, held, in the order of their ids."""
    wanted = select(Ticket).where(Ticket.order_number == any_(cast(order_numbers, ARRAY(Text))))
    return (await session.scalars(wanted.order_by(Ticket.id).with_for_update())).all()


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


async def lock_counts(session: AsyncSession, customer_id: UUID) -> Counts:
    """A customer's counts, held: whoever changes a ticket of theirs waits to count it."""
    return await session.get_one(Counts, customer_id, with_for_update=True, populate_existing=True)


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
