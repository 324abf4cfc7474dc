"""Somebody says something in a conversation."""

from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries, telling
from services.support.conversation import Before, Change
from services.support.queries import Held
from services.support.views import message_view
from shared import idempotency
from shared.auth import Caller
from shared.contracts.http.support import AddMessage, MessageView
from shared.errors import Refusal
from shared.idempotency import Claim


@dataclass(frozen=True)
class Saying:
    """What somebody says, under a key; its news is told in the context in which it was said."""

    caller: Caller
    ticket_id: UUID
    wanted: AddMessage
    claim: Claim
    context: Context = field(default_factory=copy_context)


async def add_message_held(session: AsyncSession, saying: Saying) -> MessageView:
    """Append it to its conversation, and wait for whoever has that in hand. Refuses `UnknownTicket`,
    `IdempotencyKeyReused`."""
    [answer] = await add_message(session, [saying], wait=True)
    assert answer is not None, "who waits gets an answer"
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def add_message(
    session: AsyncSession, sayings: Sequence[Saying], wait: bool = False
) -> list[MessageView | Refusal | None]:
    """Append each to its conversation, in their order: all in one transaction, with the same statements for one and for
    many.

    Answers with a refusal, as above. Unless all may `wait`, one that would have to wait for a lock gets no answer, nor
    one whose ticket is not found: `add_message_held`.
    """
    # A key stands for one ticket: whoever holds it is the only one who looks for that key, and uses it.
    held = await queries.lock_tickets(session, {saying.ticket_id for saying in sayings}, wait=wait)
    done = await idempotency.find_answers(session, [saying.claim for saying in sayings], MessageView)
    answers: list[MessageView | Refusal | None] = []
    changes: list[Change] = []
    given: list[tuple[Claim, MessageView]] = []
    for saying in sayings:
        found = held.get(saying.ticket_id)
        if not wait and found is None:
            answers.append(None)
            continue
        try:
            answer = done.repeat(saying.claim)
            if answer is None:
                change, answer = saying.context.run(_say, saying, found)
                changes.append(change)
                given.append((saying.claim, answer))
                done.add(saying.claim, answer)
            answers.append(answer)
        except Refusal as refusal:
            answers.append(refusal)
    if changes:
        await telling.record(session, changes)
        await idempotency.keep_answers(session, given)
    return answers


def _say(saying: Saying, found: Held | None) -> tuple[Change, MessageView]:
    ticket, counts = queries.seen(found, saying.caller)
    before = Before(ticket)
    message = conversation.say(ticket, saying.caller, saying.wanted.text)
    return conversation.change(ticket, before, counts, message), message_view(message, None)
