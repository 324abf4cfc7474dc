"""A customer, or staff with one, begins a conversation."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries, telling
from services.support.conversation import Before
from services.support.errors import UnknownCustomer
from services.support.models import Ticket
from services.support.views import Line
from shared.auth import Caller
from shared.contracts.http.support import BeginTicket


async def begin_ticket(
    session: AsyncSession, caller: Caller, customer_id: UUID, wanted: BeginTicket
) -> tuple[Ticket, list[Line]]:
    """It starts with what money has moved for its order. Refuses `UnknownCustomer`."""
    if not caller.may_see(customer_id):
        raise UnknownCustomer
    ticket = conversation.begin(customer_id, wanted.subject, wanted.order_number)
    lines: list[Line] = []
    if wanted.order_number is not None:
        await queries.lock_conversations_about(session, wanted.order_number)
        operations = await queries.list_operations(session, wanted.order_number, customer_id)
        lines = [(conversation.note(ticket, operation), operation) for operation in operations]
    first = conversation.say(ticket, caller, wanted.text)
    lines.append((first, None))
    counts = await queries.lock_counts(session, customer_id)
    begun = conversation.change(ticket, Before(), counts, first)
    session.add(ticket)
    await session.flush()
    session.add_all([message for message, _ in lines])
    await session.flush()
    await telling.tell(session, [begun])
    return ticket, lines
