"""What events cause, once each: in the transaction, or by the statement, that takes them into the inbox; or before it,
where to do it again changes nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from shared import failpoints, inbox
from shared.batches import Batches
from shared.contracts.base import Event
from shared.db import Database
from shared.inbox import Taken

effects_total = Counter("purser_events_taken_total", "Events that took effect", ["queue"])
repeats_total = Counter("purser_events_repeated_total", "Events that had taken effect before", ["queue"])
event_age = Histogram(
    "purser_event_age_seconds",
    "From what happened to its effect here",
    ["queue"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)

# While whole batches wait: a backlog takes effect half as fast again as by one at a time.
AT_A_TIME = 2

E = TypeVar("E", bound=Event)
Reaction = Callable[[E, AsyncSession], Awaitable[None]]
# One to many, that takes its events into the inbox itself: whether it was new, of each that has taken effect by now.
ReactionWithInbox = Callable[[AsyncSession, Sequence[Taken[E]]], Awaitable[Mapping[UUID, bool]]]


@dataclass(frozen=True)
class AtOnce(Generic[E]):
    """A reaction whose statements commit by themselves, the one that takes the events into the inbox last; and the one
    `held`, in a transaction of its own, for each event that the first has left."""

    reaction: ReactionWithInbox[E]
    held: ReactionWithInbox[E]


@dataclass(frozen=True)
class Effects:
    """Those of one queue's events."""

    queue: str
    reaction: Reaction[Event] | AtOnce[Event]
    database: Database

    def together(self, most: int) -> Batches[Taken[Event], bool] | None:
        """What comes while others have theirs is done in one go; each is told whether it was new. None where the
        reaction is to one."""
        if not isinstance(self.reaction, AtOnce):
            return None
        at_once = partial(self._have_at_once, self.reaction.reaction)
        return Batches(at_once, most, self.have, at_a_time=AT_A_TIME)

    async def have(self, taken: Taken[Event]) -> bool:
        """That of one event, in a transaction; whether it was new."""
        react = self.reaction.held if isinstance(self.reaction, AtOnce) else partial(self._after_inbox, self.reaction)
        async with self.database.transaction() as session:
            done = await react(session, [taken])
            failpoints.hit("after_effect", self.queue)
        self._count(done, [taken])
        return done[taken[0]]

    async def _after_inbox(
        self, reaction: Reaction[Event], session: AsyncSession, taken: Sequence[Taken[Event]]
    ) -> Mapping[UUID, bool]:
        [(event_id, heard)] = taken
        failpoints.hit("before_inbox", self.queue)
        first = await inbox.first_times(session, [event_id])
        failpoints.hit("after_inbox", self.queue)
        if first:
            await reaction(heard.event, session)
        return {event_id: bool(first)}

    async def _have_at_once(
        self, reaction: ReactionWithInbox[Event], taken: Sequence[Taken[Event]]
    ) -> Sequence[bool | None]:
        """None for what is left."""
        failpoints.hit("before_effect", self.queue)
        async with self.database.autocommit() as session:
            with failpoints.during("during_effect", self.queue):
                done = await reaction(session, taken)
            if session.info.get("told"):
                self.database.told.set()
        failpoints.hit("after_effect", self.queue)
        self._count(done, taken)
        return [done.get(event_id) for event_id, _ in taken]

    def _count(self, done: Mapping[UUID, bool], taken: Sequence[Taken[Event]]) -> None:
        now, age = datetime.now(UTC), event_age.labels(self.queue)
        for event_id, heard in taken:
            if done.get(event_id):
                age.observe((now - heard.event.at).total_seconds())
        first = sum(done.values())
        effects_total.labels(self.queue).inc(first)
        repeats_total.labels(self.queue).inc(sum(event_id in done for event_id, _ in taken) - first)
