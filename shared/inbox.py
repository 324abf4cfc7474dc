"""A piece of news and its effect are one transaction: whatever is delivered twice takes effect once."""

from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True)
class Heard(Generic[E_co]):
    """An event in hand; what it causes is told in its context, whatever else is in hand."""

    event: E_co
    context: Context = field(default_factory=copy_context)


async def first_times(session: AsyncSession, event_ids: Sequence[UUID]) -> set[UUID]:
    """Take the events, in the transaction of their effects; gives those that were not taken before.

    A second delivery at the same moment waits here until the first one has committed or rolled back.
    """
    taken = await session.execute(
        text(
            "INSERT INTO inbox (event_id) SELECT unnest(CAST(:event_ids AS uuid[]))"
            " ON CONFLICT DO NOTHING RETURNING event_id"
        ),
        # In one order everywhere, so that no two batches wait for each other.
        {"event_ids": sorted(set(event_ids))},
    )
    return set(taken.scalars())
