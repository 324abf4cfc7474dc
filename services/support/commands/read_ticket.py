"""Staff, or the customer, have read a conversation."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries, telling
from services.support.conversation import Before
from services.support.views import ticket_row
from shared.auth import Caller
from shared.contracts.http.support import TicketRow


async def read_ticket(session: AsyncSession, caller: Caller, ticket_id: UUID, up_to: int | None) -> TicketRow:
    """Up to a message's seq, or the newest; what came later stays unread. Refuses `UnknownTicket`."""
    ticket, counts = await queries.lock_ticket(session, ticket_id, caller)
    before = Before(ticket)
    seen = min(up_to or ticket.messages, ticket.messages)
    if caller.is_staff:
        ticket.read_by_staff_seq = max(ticket.read_by_staff_seq, seen)
    else:
        ticket.read_by_customer_seq = max(ticket.read_by_customer_seq, seen)
    if (before.new, before.answered) != (ticket.is_new, ticket.is_answered):
        await telling.record(session, [conversation.change(ticket, before, counts)])
    return ticket_row(ticket)
