"""One queue's events on their way to their reaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog
from aio_pika import IncomingMessage
from aio_pika.abc import AbstractConnection
from aiormq.abc import AbstractChannel, DeliveredMessage
from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from shared import failpoints, inbox, tracing
from shared.acknowledgements import Acknowledgements
from shared.batches import Batches
from shared.contracts.base import Event
from shared.db import Database, is_unreachable
from shared.dead_letters import bury, why_failed, why_invalid
from shared.failure import kind_of
from shared.inbox import Heard

# A reaction that fails is tried again after each of these, then its event becomes a dead letter.
RETRY_SECONDS = (0.5, 2.0, 10.0, 60.0)
UNREACHABLE_SECONDS = 1.0

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

Taken = tuple[UUID, Heard[Event]]
ReactionToMany = Callable[[Sequence[Heard[Event]], AsyncSession], Awaitable[None]]


class Delivery:
    """Brings one queue's events to their reaction: acknowledged after the commit, given up only as a dead letter.

    So many as `together` says take effect in one transaction, where so many have come.
    """

    def __init__(
        self,
        queue: str,
        event: type[Event],
        reaction: ReactionToMany,
        together: int,
        database: Database,
        connection: AbstractConnection,
        channel: AbstractChannel,
    ) -> None:
        self.queue, self.event, self.reaction, self.database = queue, event, reaction, database
        self._connection, self._channel = connection, channel
        self._acknowledgements = Acknowledgements(channel, queue)
        self._together: Batches[Taken, bool] | None = Batches(self._react, together) if together > 1 else None
        self._consumer = ""

    async def begin(self) -> None:
        # By the channel beneath aio-pika's, which would take one more task for each message, and copy it.
        self._consumer = (await self._channel.basic_consume(self.queue, self.receive)).consumer_tag or ""

    async def finish(self) -> None:
        """Take nothing new, and bring to an end what is in hand."""
        await self._channel.basic_cancel(self._consumer)
        await self._acknowledgements.nothing_in_hand()

    async def receive(self, message: DeliveredMessage) -> None:
        """In a task of its own, whose context is the event's."""
        assert message.delivery_tag is not None
        self._acknowledgements.take(message.delivery_tag)
        try:
            event_id, event = self._read(message)
        except ValueError as error:
            await self._give_up(message, why_invalid(error))
            return
        properties = message.header.properties
        structlog.contextvars.bind_contextvars(correlation_id=properties.correlation_id, event_id=str(event_id))
        with tracing.taking(self.queue, self.event.routing_key, event_id, properties.headers or {}) as span:
            if (why := await self._take(event_id, event)) is None:
                log.debug("event taken", queue=self.queue)
                self._acknowledgements.done(message.delivery_tag)
            else:
                tracing.given_up(span)
                await self._give_up(message, why)

    def _read(self, message: DeliveredMessage) -> tuple[UUID, Event]:
        """Raises ValueError, pydantic's or one whose text says what is missing."""
        headers = message.header.properties.headers or {}
        if headers.get("ce-type") != self.event.routing_key:
            raise ValueError(f"its ce-type is not {self.event.routing_key}")
        try:
            event_id = UUID(str(headers.get("ce-id")))
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

    async def _give_up(self, message: DeliveredMessage, why: str) -> None:
        """Confirmed as a dead letter first, acknowledged then; where it cannot bear the reason, without it."""
        assert message.delivery_tag is not None
        given_up_total.labels(self.queue).inc()
        log.error("dead letter", queue=self.queue, event_id=message.header.properties.message_id, why=why)
        try:
            await bury(self._connection, IncomingMessage(message), self.queue, why)
        except Exception as error:
            log.warning("the dead letter will not say why", queue=self.queue, error=kind_of(error))
            await self._acknowledgements.reject(message.delivery_tag)
        else:
            self._acknowledgements.done(message.delivery_tag)
