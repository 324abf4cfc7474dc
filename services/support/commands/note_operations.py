"""Money moved for orders: their conversations say so, those that are there and those to come."""

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries, telling
from services.support.conversation import Before, Change
from services.support.models import Operation, Ticket
from shared import inbox
from shared.contracts.billing import InvoiceFacts
from shared.inbox import Taken
from shared.rows import Rows

Kind = Literal["paid", "refunded"]

_MOVED = Rows(
    "moved",
    {
        "transfer_id": "uuid",
        "order_number": "text",
        "customer_id": "uuid",
        "amount_minor": "bigint",
        "currency": "text",
        "at": "timestamptz",
    },
)
# The locks are asked for before the first row: a condition on no row is looked at once, and first.
_REMEMBER = text(f"""
    WITH held AS MATERIALIZED ({queries.LOCK_CONVERSATIONS})
    INSERT INTO operations (transfer_id, order_number, customer_id, kind, amount_minor, currency, at)
    SELECT transfer_id, order_number, customer_id, :kind, amount_minor, currency, at
    FROM {_MOVED}
    WHERE (SELECT count(*) FROM held) > 0
    ORDER BY transfer_id
    ON CONFLICT DO NOTHING
""")  # noqa: S608
_HEARD = Rows("heard", {"event_id": "uuid", "order_number": "text"})
_TAKE = text(f"""
    WITH silent AS (
        SELECT event_id FROM {_HEARD}
        WHERE NOT EXISTS (SELECT FROM tickets WHERE tickets.order_number = heard.order_number)
    ), first AS (
        {inbox.insertion("SELECT event_id FROM silent")}
    )
    SELECT event_id, first.event_id IS NOT NULL AS was_new FROM silent LEFT JOIN first USING (event_id)
""")  # noqa: S608


async def note_operations(
    session: AsyncSession, taken: Sequence[Taken[InvoiceFacts]], kind: Kind
) -> Mapping[UUID, bool]:
    """Where nobody has spoken about the order, as about most: two statements, each a transaction of its own.

    Once an operation is remembered, a conversation that begins has it; so one that is not there when the event is taken
    has it, too. What comes between changes nothing: it is remembered once per transfer. Whether it was new, of each
    event whose order has no conversation; the others are left to `note_operations_held`.
    """
    await _remember(session, taken, kind)
    heard = ({"event_id": event_id, "order_number": heard.event.order_number} for event_id, heard in taken)
    rows = await session.execute(_TAKE, _HEARD.parameters(heard))
    return {row.event_id: row.was_new for row in rows}


async def note_operations_held(
    session: AsyncSession, taken: Sequence[Taken[InvoiceFacts]], kind: Kind
) -> Mapping[UUID, bool]:
    """The same of all, in one transaction with what their conversations have become: a line in each, once per transfer,
    however often it is told."""
    first = await inbox.first_times(session, [event_id for event_id, _ in taken])
    await _remember(session, taken, kind)
    # Statements of their own: they see what was committed while the one before waited.
    events = [heard.event for _, heard in taken]
    tickets = await queries.lock_tickets_about(session, [event.order_number for event in events])
    noted = await queries.list_noted(
        session, [ticket.id for ticket in tickets], [event.transfer_id for event in events]
    )
    changes = []
    for _, heard in taken:
        event = heard.event
        for ticket in tickets:
            is_its = (ticket.order_number, ticket.customer_id) == (event.order_number, event.customer_id)
            if is_its and (ticket.id, event.transfer_id) not in noted:
                noted.add((ticket.id, event.transfer_id))
                changes.append(heard.context.run(_note, ticket, event, kind))
    if changes:
        await telling.record(session, changes)
    return {event_id: event_id in first for event_id, _ in taken}


async def _remember(session: AsyncSession, taken: Sequence[Taken[InvoiceFacts]], kind: Kind) -> None:
    """Once per transfer, and never while a conversation about its order is just beginning."""
    events = [heard.event for _, heard in taken]
    numbers = [event.order_number for event in events]
    await session.execute(_REMEMBER, {"kind": kind, "numbers": numbers, **_MOVED.parameters_of(events)})


def _note(ticket: Ticket, event: InvoiceFacts, kind: Kind) -> Change:
    operation = Operation(
        transfer_id=event.transfer_id,
        order_number=event.order_number,
        customer_id=event.customer_id,
        kind=kind,
        amount_minor=event.amount_minor,
        currency=event.currency,
        at=event.at,
    )
    before = Before(ticket)
    message = conversation.note(ticket, operation)
    return conversation.change(ticket, before, None, message, operation)
