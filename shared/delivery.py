"""The way of a queue's messages to their reaction."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import ExitStack
from uuid import UUID

import structlog
from aio_pika import Message
from faststream.rabbit import RabbitBroker
from faststream.rabbit.annotations import RabbitMessage
from prometheus_client import Counter
from pydantic import ValidationError

from shared import failpoints, tracing
from shared.contracts.base import Event
from shared.db import Database, is_unreachable
from shared.dead_letters import bury, send_again, why_failed, why_invalid
from shared.effects import AtOnce, Effects, Reaction
from shared.envelope import APART, BATCH, BATCH_EVENTS, Enveloped, batch_reader, sent_on, taken_apart
from shared.failure import kind_of
from shared.inbox import Heard, Taken
from shared.suspects import MOST_BEGUN, Deadly, Suspects, is_suspect, is_worn

# A reaction that fails is tried again after each of these, then its event becomes a dead letter.
RETRY_SECONDS = (0.5, 2.0, 10.0, 60.0)
UNREACHABLE_SECONDS = 1.0
# So many take effect at once, where a reaction takes many.
TOGETHER = BATCH_EVENTS

log = structlog.get_logger()
failures_total = Counter("purser_reaction_failures_total", "Failed tries of a reaction", ["queue"])
given_up_total = Counter("purser_events_given_up_total", "Events that became dead letters", ["queue"])


class Delivery:
    """Brings one queue's events to their reaction: acknowledged after the commit, given up only as a dead letter."""

    def __init__(
        self,
        queue: str,
        event: type[Event],
        reaction: Reaction[Event] | AtOnce[Event],
        database: Database,
        broker: RabbitBroker,
        suspects: Suspects,
    ) -> None:
        self.queue, self.event, self.broker, self._suspects = queue, event, broker, suspects
        self._effects = Effects(queue, reaction, database)
        self._together = self._effects.together(TOGETHER)
        self._batch = batch_reader(event)

    async def receive(self, message: RabbitMessage) -> None:
        """Return when nothing more is to be done about this message."""
        if message.content_type == BATCH:
            await self._receive_many(message)
        else:
            await self._receive_one(message)

    # --- A batch ------------------------------------------------------------------------------------------------------

    async def _receive_many(self, message: RabbitMessage) -> None:
        """Together what can be; of what cannot, each event comes again in a message of its own, and tells there how it
        fares."""
        try:
            rest = await self._take_many(message.body, is_suspect(message))
        except ValidationError as error:
            await self._give_up(message, why_invalid(error))
            return
        if rest:
            log.warning("a batch is taken apart", queue=self.queue, events=len(rest))
            try:
                await send_again(self.broker, rest, self.queue)
            except Exception as error:
                log.warning("a batch cannot be taken apart", queue=self.queue, error=kind_of(error))
                await asyncio.sleep(UNREACHABLE_SECONDS)
                await message.nack(requeue=True)
                return
        await self._acknowledge(message)

    async def _take_many(self, body: bytes, suspect: bool) -> list[Message]:
        """Those that have not taken effect. Raises ValidationError."""
        try:
            batch = self._batch.validate_json(body) if not suspect else []
        except ValidationError:
            # All but one of them may be valid.
            batch = []
        with ExitStack() as spans:
            waiting = [self._heard(each, spans) for each in batch if each.type == self.event.routing_key]
            done = await self._try(waiting)
        for told in batch:
            if told.id in done:
                log.debug("event taken", queue=self.queue, event_id=str(told.id), correlation_id=told.correlationid)
        if batch and len(done) == len(batch):
            return []
        return [message for event_id, message in taken_apart(body).items() if event_id not in done]

    def _heard(self, told: Enveloped[Event], spans: ExitStack) -> Taken[Event]:
        headers = {tracing.HEADER: told.traceparent}
        with structlog.contextvars.bound_contextvars(correlation_id=told.correlationid, event_id=str(told.id)):
            spans.enter_context(tracing.taking(self.queue, told.type, told.id, headers))
            return told.id, Heard(told.data)

    async def _try(self, waiting: Sequence[Taken[Event]]) -> set[UUID]:
        """Which of them have taken effect, now or earlier; what the others' reactions say will be seen when they come
        again."""
        done: set[UUID] = set()
        while waiting:
            results = await self._each(waiting)
            done.update(event_id for (event_id, _), error in zip(waiting, results, strict=True) if error is None)
            waiting = [each for each, error in zip(waiting, results, strict=True) if error and is_unreachable(error)]
            if waiting:
                log.warning("database unreachable", queue=self.queue, events=len(waiting))
                await asyncio.sleep(UNREACHABLE_SECONDS)
        return done

    async def _each(self, waiting: Sequence[Taken[Event]]) -> list[Exception | None]:
        """What each has failed with."""
        doing: Iterable[Awaitable[object]]
        if self._together is None:
            doing = (self._effects.have(each) for each in waiting)
        else:
            doing = [self._together.put(each) for each in waiting]
        errors: list[Exception | None] = []
        for each in doing:
            try:
                await each
                errors.append(None)
            except Exception as error:
                errors.append(error)
        return errors

    # --- One event ----------------------------------------------------------------------------------------------------

    async def _receive_one(self, message: RabbitMessage) -> None:
        try:
            event_id, event = self._read(message)
        except ValueError as error:
            await self._give_up(message, why_invalid(error))
            return
        if is_worn(message) and await self._renew(message):
            return
        with (
            structlog.contextvars.bound_contextvars(correlation_id=message.correlation_id, event_id=str(event_id)),
            tracing.taking(self.queue, self.event.routing_key, event_id, message.headers) as span,
        ):
            if (why := await self._take((event_id, Heard(event)), is_suspect(message))) is None:
                log.debug("event taken", queue=self.queue)
                await self._acknowledge(message)
            else:
                tracing.given_up(span)
                await self._give_up(message, why)

    async def _renew(self, message: RabbitMessage) -> bool:
        """Whether it comes again as one that the broker has never delivered."""
        try:
            await send_again(self.broker, [sent_on(message.raw_message, **{APART: True})], self.queue)
        except Exception as error:
            log.warning("what has come often cannot be renewed", queue=self.queue, error=kind_of(error))
            return False
        log.warning("what has come often is renewed", queue=self.queue, event_id=message.message_id)
        await self._acknowledge(message)
        return True

    def _read(self, message: RabbitMessage) -> tuple[UUID, Event]:
        """Raises ValueError, pydantic's or one whose text says what is missing."""
        if message.headers.get("ce-type") != self.event.routing_key:
            raise ValueError(f"its ce-type is not {self.event.routing_key}")
        try:
            event_id = UUID(str(message.headers.get("ce-id")))
        except ValueError:
            raise ValueError("its ce-id is not a UUID") from None
        return event_id, self.event.model_validate_json(message.body)

    async def _take(self, taken: Taken[Event], suspect: bool) -> str | None:
        """None once the event has taken effect, now or earlier; why, when it is to be given up."""
        failed = 0
        while True:
            try:
                if suspect:
                    async with self._suspects.alone(taken[0]):
                        await self._effects.have(taken)
                elif self._together:
                    await self._together.ask(taken)
                else:
                    await self._effects.have(taken)
                return None
            except Deadly:
                return f"its worker ended each of the {MOST_BEGUN} times that it was tried alone"
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

    async def _acknowledge(self, message: RabbitMessage) -> None:
        failpoints.hit("before_ack", self.queue)
        await message.ack()
        failpoints.hit("after_ack", self.queue)

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
