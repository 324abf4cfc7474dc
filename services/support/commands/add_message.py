"""Somebody says something in a conversation."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries
from services.support.views import message_view
from shared.auth import Caller
from shared.contracts.http.support import AddMessage, MessageView


async def add_message(session: AsyncSession, caller: Caller, ticket_id: UUID, wanted: AddMessage) -> MessageView:
    """Refuses `UnknownTicket`."""
    ticket = await queries.lock_ticket(session, ticket_id, caller)
    before = conversation.Before(ticket)
    message = conversation.say(ticket, caller, wanted.text)
    session.add(message)
    await conversation.tell(session, ticket, before, message)
    return message_view(message, None)
