"""Money moved for orders: their conversations say so, those that are there and those to come."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries
from services.support.models import Operation, Ticket
from shared.contracts.billing import InvoiceFacts
from shared.inbox import Heard

_INSERT = text("""
    INSERT INTO operations (transfer_id, order_number, customer_id, kind, amount_minor, currency, at)
    SELECT transfer_id, order_number, customer_id, :kind, amount_minor, currency, at
    FROM unnest(CAST(:transfer_ids AS uuid[]), CAST(:numbers AS text[]), CAST(:customers AS uuid[]),
        CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:at AS timestamptz[]))
        AS n (transfer_id, order_number, customer_id, amount_minor, currency, at)
    ORDER BY transfer_id
    ON CONFLICT DO NOTHING RETURNING transfer_id
""")


async def note_operations(
    session: AsyncSession, heard: Sequence[Heard[InvoiceFacts]], kind: Literal["paid", "refunded"]
) -> None:
    """Once per transfer, however often it is told."""
    told = {each.event.transfer_id: each for each in heard}
    events = [each.event for each in told.values()]
    await queries.lock_conversations_about(session, [event.order_number for event in events])
    noted = await session.execute(
        _INSERT,
        {
            "kind": kind,
            "transfer_ids": [event.transfer_id for event in events],
            "numbers": [event.order_number for event in events],
            "customers": [event.customer_id for event in events],
            "amounts": [event.amount_minor for event in events],
            "currencies": [event.currency for event in events],
            "at": [event.at for event in events],
        },
    )
    new = [told[transfer_id] for transfer_id in noted.scalars()]
    tickets = await queries.lock_tickets_about(session, [each.event.order_number for each in new])
    for each in new:
        for ticket in tickets:
            if (ticket.order_number, ticket.customer_id) == (each.event.order_number, each.event.customer_id):
                saying = _say(session, ticket, each.event, kind)
                await asyncio.create_task(saying, context=each.context)


async def _say(session: AsyncSession, ticket: Ticket, event: InvoiceFacts, kind: str) -> None:
    operation = Operation(
        transfer_id=event.transfer_id,
        order_number=event.order_number,
        customer_id=event.customer_id,
        kind=kind,
        amount_minor=event.amount_minor,
        currency=event.currency,
        at=event.at,
    )
    before = conversation.Before(ticket)
    message = conversation.note(ticket, operation)
    session.add(message)
    await conversation.tell(session, ticket, before, message, operation)
