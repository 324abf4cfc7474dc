"""A customer, or staff with one, begins a conversation."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries, telling
from services.support.conversation import Before
from services.support.errors import UnknownCustomer
from services.support.models import Message, Ticket
from shared.auth import Caller
from shared.contracts.http.support import BeginTicket


async def begin_ticket(session: AsyncSession, caller: Caller, customer_id: UUID, wanted: BeginTicket) -> Ticket:
    """It starts with what money has moved for its order. Refuses `UnknownCustomer`."""
    if not caller.may_see(customer_id):
        raise UnknownCustomer
    ticket = conversation.begin(customer_id, wanted.subject, wanted.order_number)
    lines: list[Message] = []
    if wanted.order_number is not None:
        await queries.lock_conversations_about(session, wanted.order_number)
        operations = await queries.list_operations(session, wanted.order_number, customer_id)
        lines = [conversation.note(ticket, operation) for operation in operations]
    first = conversation.say(ticket, caller, wanted.text)
    counts = await queries.lock_counts(session, customer_id)
    begun = conversation.change(ticket, Before(), counts, first)
    session.add(ticket)
    await session.flush()
    session.add_all([*lines, first])
    await session.flush()
    await telling.tell(session, [begun])
    return ticket
