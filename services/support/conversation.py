"""The only code that changes a conversation: appends to it, and keeps what is counted in step."""

from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from services.support.models import Counts, Message, Operation, Ticket
from services.support.views import counts_view, message_view, operation_text
from shared.auth import Caller
from shared.contracts.http.support import Author, TicketCounts, TicketStatus
from shared.contracts.support import TicketChanged
from shared.ids import new_id


def begin(customer_id: UUID, subject: str, order_number: str | None) -> Ticket:
    """A conversation in which nothing is said yet."""
    now = datetime.now(UTC)
    return Ticket(
        id=new_id(),
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
        id=new_id(),
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


@dataclass(frozen=True)
class Change:
    """A ticket's next version, to be told in the context in which it came to be."""

    ticket: Ticket
    told: TicketChanged
    message: Message | None
    counts: TicketCounts | None
    """The customer's, where they have changed with it."""
    new_in_shop: int
    context: Context = field(default_factory=copy_context)


def change(
    ticket: Ticket,
    before: Before,
    counts: Counts | None,
    message: Message | None = None,
    operation: Operation | None = None,
) -> Change:
    """The ticket has changed: count it anew. Both are held; `counts` are not needed for what nobody has to read."""
    ticket.version += 1
    ticket.changed_at = datetime.now(UTC)
    after = Before(ticket)
    new = after.new - before.new
    counted = None
    if (after.total, after.new, after.answered) != (before.total, before.new, before.answered):
        assert counts is not None
        counts.total += after.total - before.total
        counts.new += new
        counts.answered += after.answered - before.answered
        counts.version += 1
        counted = counts_view(ticket.customer_id, counts)
    told = TicketChanged(
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
    return Change(ticket, told, message, counted, new)
