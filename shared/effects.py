"""What events cause, once each: in the transaction that takes them into the inbox, or by a statement that does both."""

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
from shared.inbox import Heard, Taken

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
ReactionToMany = Callable[[Sequence[Heard[E]], AsyncSession], Awaitable[None]]
# One that takes its events into the inbox itself: whether it was new, of each that has taken effect by now.
ReactionWithInbox = Callable[[AsyncSession, Sequence[Taken[E]]], Awaitable[Mapping[UUID, bool]]]


@dataclass(frozen=True)
class AtOnce(Generic[E]):
    """A reaction of one statement, which commits as one, and waits for nobody; and the one `held`, in a transaction of
    its own, for each event that the first has left."""

    reaction: ReactionWithInbox[E]
    held: ReactionWithInbox[E]


@dataclass(frozen=True)
class Effects:
    """Those of one queue's events."""

    queue: str
    reaction: ReactionToMany[Event] | AtOnce[Event]
    database: Database

    def together(self, most: int) -> Batches[Taken[Event], bool]:
        """What comes while others have theirs is done in one go; each is told whether it was new."""
        if isinstance(self.reaction, AtOnce):
            at_once = partial(self._have_at_once, self.reaction.reaction)
            return Batches(at_once, most, self._have_alone, at_a_time=AT_A_TIME)
        return Batches(self.have, most, at_a_time=AT_A_TIME)

    async def have(self, taken: Sequence[Taken[Event]]) -> Sequence[bool]:
        """All in one transaction; whether it was new, for each."""
        react = self.reaction.held if isinstance(self.reaction, AtOnce) else partial(self._after_inbox, self.reaction)
        async with self.database.transaction() as session:
            done = await react(session, taken)
            failpoints.hit("after_effect", self.queue)
        self._count(done, taken)
        return [done[event_id] for event_id, _ in taken]

    async def _after_inbox(
        self, reaction: ReactionToMany[Event], session: AsyncSession, taken: Sequence[Taken[Event]]
    ) -> Mapping[UUID, bool]:
        failpoints.hit("before_inbox", self.queue)
        first = await inbox.first_times(session, [event_id for event_id, _ in taken])
        failpoints.hit("after_inbox", self.queue)
        if first:
            new = {event_id: heard for event_id, heard in taken if event_id in first}
            await reaction(list(new.values()), session)
        return {event_id: event_id in first for event_id, _ in taken}

    async def _have_alone(self, taken: Taken[Event]) -> bool:
        [first] = await self.have([taken])
        return first

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
