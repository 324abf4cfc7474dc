"""Money moved for orders: their conversations say so, those that are there and those to come."""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries, telling
from services.support.conversation import Before, Change
from services.support.models import Operation, Ticket
from shared.contracts.billing import InvoiceFacts
from shared.inbox import Heard
from shared.rows import Rows

_TOLD = Rows(
    "told",
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
_INSERT = text(f"""
    WITH held AS MATERIALIZED ({queries.LOCK_CONVERSATIONS})
    INSERT INTO operations (transfer_id, order_number, customer_id, kind, amount_minor, currency, at)
    SELECT transfer_id, order_number, customer_id, :kind, amount_minor, currency, at
    FROM {_TOLD}
    WHERE (SELECT count(*) FROM held) > 0
    ORDER BY transfer_id
    ON CONFLICT DO NOTHING RETURNING transfer_id
""")  # noqa: S608


async def note_operations(
    session: AsyncSession, heard: Sequence[Heard[InvoiceFacts]], kind: Literal["paid", "refunded"]
) -> None:
    """Once per transfer, however often it is told."""
    told = {each.event.transfer_id: each for each in heard}
    events = [each.event for each in told.values()]
    noted = await session.execute(
        _INSERT,
        {
            "kind": kind,
            "numbers": [event.order_number for event in events],
            **_TOLD.parameters_of(events),
        },
    )
    new = [told[transfer_id] for transfer_id in noted.scalars()]
    # A statement of its own: it sees what was committed while the one before waited.
    tickets = await queries.lock_tickets_about(session, [each.event.order_number for each in new])
    changes = [
        each.context.run(_note, ticket, each.event, kind)
        for each in new
        for ticket in tickets
        if (ticket.order_number, ticket.customer_id) == (each.event.order_number, each.event.customer_id)
    ]
    if changes:
        await telling.record(session, changes)


def _note(ticket: Ticket, event: InvoiceFacts, kind: str) -> Change:
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
