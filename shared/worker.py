"""A service's second door: events. It listens to its queues and relays its outbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog
from fastapi import FastAPI
from faststream.middlewares import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage
from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from shared import failpoints, inbox, outbox, tracing
from shared.batches import Batches
from shared.contracts.base import Event
from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.db import Database, is_unreachable
from shared.dead_letters import bury, why_failed, why_invalid
from shared.failure import kind_of
from shared.health import Check, Health, NotReady, database_check
from shared.housekeeping import Chore, keep_house
from shared.inbox import Heard
from shared.listening import keep_listening
from shared.relay import Relay
from shared.watching import Count, relay_check, watch_broker, watch_outbox
from shared.web import web_app

# A reaction that fails is tried again after each of these, then its event becomes a dead letter.
RETRY_SECONDS = (0.5, 2.0, 10.0, 60.0)
UNREACHABLE_SECONDS = 1.0
# How many events of one queue are in hand at once; one that waits for its next try takes up one of them.
PREFETCH = 100
# So many take effect in one transaction, where a reaction takes many.
TOGETHER = 50

log = structlog.get_logger()
effects_total = Counter("purser_events_taken_total", "Events that took effect", ["queue"])
repeats_total = Counter("purser_events_repeated_total", "Events that had taken effect before", ["queue"])
failures_total = Counter("purser_reaction_failures_total", "Failed tries of a reaction", ["queue"])
event_age = Histogram(
    "purser_event_age_seconds",
    "From what happened to its effect here",
    ["queue"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
given_up_total = Counter("purser_events_given_up_total", "Events that became dead letters", ["queue"])

E = TypeVar("E", bound=Event)
Reaction = Callable[[E, AsyncSession], Awaitable[None]]
Taken = tuple[UUID, Heard[Event]]
ReactionToMany = Callable[[Sequence[Heard[E]], AsyncSession], Awaitable[None]]


class Reactions:
    """What a listener does on which event; complete with respect to `SUBSCRIPTIONS`, or it does not start."""

    def __init__(self, listener: str) -> None:
        self.listener = listener
        self._reactions: dict[type[Event], tuple[ReactionToMany[Event], int]] = {}

    def on(self, event: type[E]) -> Callable[[Reaction[E]], Reaction[E]]:
        """Each event in a transaction of its own."""

        def add(reaction: Reaction[E]) -> Reaction[E]:
            async def react(heard: Sequence[Heard[E]], session: AsyncSession) -> None:
                for each in heard:
                    await reaction(each.event, session)

            self._reactions[event] = (react, 1)  # type: ignore[assignment]
            return reaction

        return add

    def on_many(self, event: type[E]) -> Callable[[ReactionToMany[E]], ReactionToMany[E]]:
        """Whatever has come meanwhile in one transaction; when that fails, each in its own."""

        def add(reaction: ReactionToMany[E]) -> ReactionToMany[E]:
            self._reactions[event] = (reaction, TOGETHER)  # type: ignore[assignment]
            return reaction

        return add

    def subscribe(self, database: Database, broker: RabbitBroker) -> list[str]:
        """Listen, on one lasting queue per event, with a channel for each; give the queues' names."""
        if set(self._reactions) != set(SUBSCRIPTIONS[self.listener]):
            raise LookupError(f"{self.listener} does not react to exactly what SUBSCRIPTIONS says")
        for event, (reaction, together) in self._reactions.items():
            queue = queue_name(self.listener, event)
            delivery = Delivery(queue, event, reaction, together, database, broker)
            broker.subscriber(
                RabbitQueue(queue, declare=False),
                channel=Channel(prefetch_count=PREFETCH),
                ack_policy=AckPolicy.MANUAL,
                decoder=_undecoded,
            )(delivery.receive)
        return [queue_name(self.listener, event) for event in self._reactions]


async def _undecoded(message: RabbitMessage) -> RabbitMessage:
    """A body that cannot be decoded must reach us, so that it can be made a dead letter rather than be stranded."""
    return message


class Delivery:
    """Brings one queue's events to their reaction: acknowledged after the commit, given up only as a dead letter."""

    def __init__(
        self,
        queue: str,
        event: type[Event],
        reaction: ReactionToMany[Event],
        together: int,
        database: Database,
        broker: RabbitBroker,
    ) -> None:
        self.queue, self.event, self.reaction, self.database, self.broker = queue, event, reaction, database, broker
        self._together: Batches[Taken, bool] | None = Batches(self._react, together) if together > 1 else None

    async def receive(self, message: RabbitMessage) -> None:
        try:
            event_id, event = self._read(message)
        except ValueError as error:
            await self._give_up(message, why_invalid(error))
            return
        with (
            structlog.contextvars.bound_contextvars(correlation_id=message.correlation_id, event_id=str(event_id)),
            tracing.taking(self.queue, self.event.routing_key, event_id, message.headers) as span,
        ):
            if (why := await self._take(event_id, event)) is None:
                log.debug("event taken", queue=self.queue)
                failpoints.hit("before_ack", self.queue)
                await message.ack()
                failpoints.hit("after_ack", self.queue)
            else:
                tracing.given_up(span)
                await self._give_up(message, why)

    def _read(self, message: RabbitMessage) -> tuple[UUID, Event]:
        """Raises ValueError, pydantic's or one whose text says what is missing."""
        if message.headers.get("ce-type") != self.event.routing_key:
            raise ValueError(f"its ce-type is not {self.event.routing_key}")
        try:
            event_id = UUID(str(message.headers.get("ce-id")))
        except ValueError:
            raise ValueError("its ce-id is not a UUID") from None
        return event_id, self.event.model_validate_json(message.body)

    async def _take(self, event_id: UUID, event: Event) -> str | None:
        """None once the event has taken effect, now or earlier; why, when it is to be given up."""
        failed, taken = 0, (event_id, Heard(event))
        while True:
            try:
                await (self._together.ask(taken) if self._together else self._react([taken]))
                return None
            except Exception as error:
                if is_unreachable(error):
                    # Not the event's fault: it waits as long as it takes.
                    log.warning("database unreachable", queue=self.queue, error=kind_of(error))
                    await asyncio.sleep(UNREACHABLE_SECONDS)
                    continue
                failures_total.labels(self.queue).inc()
                if failed == len(RETRY_SECONDS):
                    log.error("every try failed", queue=self.queue, exc_info=error)
                    return why_failed(error, failed + 1)
                log.warning("reaction failed", queue=self.queue, attempt=failed + 1, error=kind_of(error))
                await asyncio.sleep(RETRY_SECONDS[failed])
                failed += 1

    async def _react(self, taken: Sequence[Taken]) -> Sequence[bool]:
        """Whether it was new, for each."""
        async with self.database.transaction() as session:
            failpoints.hit("before_inbox", self.queue)
            first = await inbox.first_times(session, [event_id for event_id, _ in taken])
            failpoints.hit("after_inbox", self.queue)
            if first:
                new = {event_id: heard for event_id, heard in taken if event_id in first}
                await self.reaction(list(new.values()), session)
            failpoints.hit("after_effect", self.queue)
        now, age = datetime.now(UTC), event_age.labels(self.queue)
        for event_id, heard in taken:
            if event_id in first:
                age.observe((now - heard.event.at).total_seconds())
        effects_total.labels(self.queue).inc(len(first))
        repeats_total.labels(self.queue).inc(len(taken) - len(first))
        return [event_id in first for event_id, _ in taken]

    async def _give_up(self, message: RabbitMessage, why: str) -> None:
        """Confirmed as a dead letter first, acknowledged then; where it cannot bear the reason, without it."""
        given_up_total.labels(self.queue).inc()
        log.error("dead letter", queue=self.queue, event_id=message.message_id, why=why)
        try:
            await bury(self.broker, message.raw_message, self.queue, why)
        except Exception as error:
            log.warning("the dead letter will not say why", queue=self.queue, error=kind_of(error))
            await message.reject(requeue=False)
        else:
            await message.ack()


def listening_check(up: asyncio.Event) -> Check:
    async def check() -> None:
        if not up.is_set():
            raise NotReady("It does not listen to its queues yet.")

    return check


def service_worker(
    service: str,
    database: Database,
    database_url: str,
    broker_url: str,
    reactions: Reactions,
    *chores: Chore,
    also: Sequence[Callable[[Database], Coroutine[None, None, None]]] = (),
    unsettled: Count | None = None,
) -> FastAPI:
    """A service's worker: listening, relaying, housekeeping, and what else it does for ever; it answers HTTP only about
    its health."""
    up = asyncio.Event()
    relay = Relay(service, database_url, broker_url)
    health = Health({"database": database_check(database), "listening": listening_check(up)})
    health.checks["relay"] = relay_check(relay, health)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(keep_listening(broker_url, partial(reactions.subscribe, database), up)),
            asyncio.create_task(relay.run()),
            asyncio.create_task(outbox.ring(database)),
            asyncio.create_task(keep_house(database, *chores)),
            *(asyncio.create_task(work(database)) for work in also),
            asyncio.create_task(watch_outbox(service, database, health, unsettled)),
            asyncio.create_task(watch_broker(service, broker_url, health, health.obstacles)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()

    return web_app(f"Purser {service} worker", lifespan, health)
