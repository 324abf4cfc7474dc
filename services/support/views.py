"""Support's rows as its HTTP answers show them."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from iso4217 import Currency

from services.support.models import Counts, Message, Operation, Ticket
from shared.contracts.http import support as http

# A message, with the money that it tells of.
Line = tuple[Message, Operation | None]


def ticket_row(ticket: Ticket) -> http.TicketRow:
    return http.TicketRow(
        id=ticket.id,
        customer_id=ticket.customer_id,
        order_number=ticket.order_number,
        subject=ticket.subject,
        status=http.TicketStatus(ticket.status),
        new=ticket.is_new,
        answered=ticket.is_answered,
        messages=ticket.messages,
        begun_at=ticket.begun_at,
        changed_at=ticket.changed_at,
        version=ticket.version,
    )


def message_view(message: Message, operation: Operation | None, for_staff: bool = True) -> http.MessageView:
    """Which of the staff wrote is the staff's own affair."""
    hidden = message.author == http.Author.STAFF and not for_staff
    return http.MessageView(
        id=message.id,
        seq=message.seq,
        author=http.Author(message.author),
        author_login=None if hidden else message.author_login,
        text=message.text,
        at=message.at,
        operation=operation and http.Operation.model_validate(operation, from_attributes=True),
    )


def ticket_view(
    ticket: Ticket,
    newest_first: Sequence[Line],
    earlier: str | None,
    for_staff: bool,
) -> http.TicketView:
    messages = [message_view(message, operation, for_staff) for message, operation in reversed(newest_first)]
    return http.TicketView(ticket=ticket_row(ticket), messages=messages, earlier=earlier)


def counts_view(customer_id: UUID, counts: Counts | None) -> http.TicketCounts:
    """Zeros for a customer who never had a ticket."""
    if counts is None:
        return http.TicketCounts(customer_id=customer_id, new=0, total=0, answered=0, version=0)
    return http.TicketCounts.model_validate(counts, from_attributes=True)


def operation_text(operation: Operation) -> str:
    """In words, exact to the minor unit."""
    digits = Currency(operation.currency).exponent or 0
    amount = f"{Decimal(operation.amount_minor).scaleb(-digits):.{digits}f} {operation.currency}"
    return f"Paid {amount} from the balance" if operation.kind == "paid" else f"Returned {amount} to the balance"
