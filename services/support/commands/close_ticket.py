"""Staff close a conversation; the next message opens it again."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries, telling
from services.support.conversation import Before
from services.support.views import ticket_row
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.support import TicketRow, TicketStatus


async def close_ticket(session: AsyncSession, caller: Caller, ticket_id: UUID) -> TicketRow:
    """Again changes nothing. Refuses `Forbidden`, `UnknownTicket`."""
    caller.require_staff()
    ticket, counts = await queries.lock_ticket(session, ticket_id, caller)
    if ticket.status != TicketStatus.CLOSED:
        before = Before(ticket)
        ticket.status = TicketStatus.CLOSED.value
        await telling.record(session, [conversation.change(ticket, before, counts)])
        await record_act(session, caller, "close_ticket", str(ticket.customer_id), ticket_id=str(ticket.id))
    return ticket_row(ticket)
