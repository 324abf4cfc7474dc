"""The only code that changes a conversation: appends to it, and keeps what is counted and told in step."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.support import queries
from services.support.models import Counts, Message, Operation, ShopCount, Ticket
from services.support.views import message_view, operation_text
from shared import outbox
from shared.auth import Caller
from shared.contracts.http.support import Author, TicketStatus
from shared.contracts.support import TicketChanged, TicketCountsChanged


def begin(customer_id: UUID, subject: str, order_number: str | None) -> Ticket:
    """A conversation in which nothing is said yet."""
    now = datetime.now(UTC)
    return Ticket(
        id=uuid4(),
        customer_id=customer_id,
        order_number=order_number,
        subject=subject,
        status=TicketStatus.OPEN.value,
        messages=0,
        customer_seq=0,
        staff_seq=0,
        read_by_staff_seq=0,
        read_by_customer_seq=0,
        begun_at=now,
        changed_at=now,
        version=0,
    )


def say(ticket: Ticket, caller: Caller, text: str) -> Message:
    """Append what somebody says; a closed conversation is open again."""
    author = Author.STAFF if caller.is_staff else Author.CUSTOMER
    message = _append(ticket, author, caller.login, text)
    if caller.is_staff:
        ticket.staff_seq = message.seq
    else:
        ticket.customer_seq = message.seq
    ticket.status = TicketStatus.OPEN.value
    return message


def note(ticket: Ticket, operation: Operation) -> Message:
    """Append money that moved, as a line of its own: nobody has to read it."""
    message = _append(ticket, Author.SYSTEM, None, operation_text(operation))
    message.transfer_id = operation.transfer_id
    message.at = operation.at
    return message


def _append(ticket: Ticket, author: Author, login: str | None, text: str) -> Message:
    ticket.messages += 1
    now = datetime.now(UTC)
    return Message(
        ticket_id=ticket.id,
        seq=ticket.messages,
        id=uuid4(),
        author=author.value,
        author_login=login,
        text=text,
        at=now,
    )


class Before:
    """What was counted of a ticket before it is changed."""

    def __init__(self, ticket: Ticket | None = None) -> None:
        self.total = 0 if ticket is None else 1
        self.new = 0 if ticket is None else int(ticket.is_new)
        self.answered = 0 if ticket is None else int(ticket.is_answered)


async def tell(
    session: AsyncSession,
    ticket: Ticket,
    before: Before,
    message: Message | None = None,
    operation: Operation | None = None,
) -> None:
    """The ticket has changed: count it anew, and tell both. Lock order: ticket, its customer's counts, the shop's."""
    ticket.version += 1
    ticket.changed_at = datetime.now(UTC)
    await session.flush()
    changed = TicketChanged(
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        order_number=ticket.order_number,
        status=TicketStatus(ticket.status),
        new=ticket.is_new,
        answered=ticket.is_answered,
        message=None if message is None else message_view(message, operation),
        version=ticket.version,
        at=ticket.changed_at,
    )
    await outbox.record(session, changed)
    after = Before(ticket)
    delta = (after.total - before.total, after.new - before.new, after.answered - before.answered)
    if any(delta):
        if after.total > before.total:
            await begin_counts(session, ticket.customer_id)
        await count(session, ticket.customer_id, *delta, new_in_shop=delta[1])


async def begin_counts(session: AsyncSession, customer_id: UUID) -> None:
    """Zeros, for a customer who has none yet."""
    zeros = {"customer_id": customer_id, "total": 0, "new": 0, "answered": 0, "version": 0}
    await session.execute(insert(Counts).values(zeros).on_conflict_do_nothing())


async def count(session: AsyncSession, customer_id: UUID, total: int, new: int, answered: int, new_in_shop: int) -> int:
    """Add to the counts, and tell the customer's and the shop's as they are then; gives their version."""
    counted = await session.execute(
        update(Counts)
        .where(Counts.customer_id == customer_id)
        .values(
            total=Counts.total + total,
            new=Counts.new + new,
            answered=Counts.answered + answered,
            version=Counts.version + 1,
        )
        .returning(Counts.total, Counts.new, Counts.answered, Counts.version)
        .execution_options(synchronize_session=False)
    )
    own = counted.one()
    of_shop = await _count_in_shop(session, new_in_shop)
    told = TicketCountsChanged(
        customer_id=customer_id,
        new=own.new,
        total=own.total,
        answered=own.answered,
        shop_new=of_shop.new,
        shop_version=of_shop.version,
        version=own.version,
        at=datetime.now(UTC),
    )
    await outbox.record(session, told)
    return int(own.version)


async def _count_in_shop(session: AsyncSession, new: int) -> ShopCount:
    """The shop's one row is locked only when its figure changes; read, it may be a moment old, as its version says."""
    if new:
        changed = await session.scalars(
            update(ShopCount)
            .values(new=ShopCount.new + new, version=ShopCount.version + 1)
            .returning(ShopCount)
            .execution_options(populate_existing=True)
        )
        return changed.one()
    return await queries.get_shop_count(session)
