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


Taken = tuple[UUID, Heard[E_co]]
"""An event in hand, by the id under which it is taken."""


def insertion(event_ids: str) -> str:
    """Takes the events that this SELECT gives, as a part of the statement that has their effects, or alone; gives those
    that were not taken before."""
    # In one order everywhere, so that no two batches wait for each other.
    return f"INSERT INTO inbox (event_id) {event_ids} ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id"


_INSERT = text(insertion("SELECT unnest(CAST(:event_ids AS uuid[])) AS event_id"))


async def first_times(session: AsyncSession, event_ids: Sequence[UUID]) -> set[UUID]:
    """Take the events, in the transaction of their effects; gives those that were not taken before.

    A second delivery at the same moment waits here until the first one has committed or rolled back.
    """
    taken = await session.execute(_INSERT, {"event_ids": list(set(event_ids))})
    return set(taken.scalars())
