"""`purser replay`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import aio_pika
import typer
from aio_pika.abc import AbstractExchange
from aiormq.exceptions import ChannelLockedResource, ChannelNotFoundEntity, DeliveryError, PublishError

from deploy.operating.dead_letters import ANSWER_SECONDS, AT_ONCE, printable
from deploy.operating.history import told
from deploy.operating.settings import OperatorSettings
from deploy.operating.telling import progress, run, say
from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.messaging import DEAD_LETTERS
from shared.settings import load

AGAIN = "Run the same again: it begins anew, and who remembers ids takes nothing twice."
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]
OWN = {queue_name(listener, event): event.routing_key for listener, told in SUBSCRIPTIONS.items() for event in told}


@dataclass(frozen=True)
class Wanted:
    """Whose past goes where."""

    queue: str
    since: datetime
    until: datetime | None
    subjects: frozenset[str]
    types: frozenset[str]

    def has(self, message: aio_pika.Message, routing_key: str) -> bool:
        subject = message.headers["ce-subject"]
        return (not self.types or routing_key in self.types) and (not self.subjects or subject in self.subjects)


def replay(
    to: Annotated[str, typer.Option(help="the queue; nobody else hears of it")],
    since: Annotated[datetime, typer.Option("--from", formats=FORMATS, help="sent then or later; UTC")],
    until: Annotated[datetime | None, typer.Option(formats=FORMATS, help="sent before then; up to now without")] = None,
    subject: Annotated[list[str] | None, typer.Option(help="only of this order, customer, ticket ...")] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option("--type", help="only with this routing key; to a queue of Purser's own goes always only its own"),
    ] = None,
) -> None:
    """Tell one queue again what orders, billing and support have told: the same events, in order per aggregate."""
    if to == DEAD_LETTERS:
        raise typer.BadParameter("Dead letters have died somewhere: see `purser dead-letters`.")
    types = frozenset([OWN[to]] if to in OWN else type_ or ())
    wanted = Wanted(to, _utc(since), _utc(until) if until else None, frozenset(subject or ()), types)
    run(_replay(load(OperatorSettings, among_others=True), wanted), AGAIN)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _replay(settings: OperatorSettings, wanted: Wanted) -> int:
    count, why = 0, ""
    with progress("events", None) as advance:
        try:
            async with (
                _default_exchange(settings.broker_url, wanted.queue) as exchange,
                aclosing(_some(settings, wanted, advance)) as some,
            ):
                async for messages in some:
                    await _send(exchange, messages, wanted.queue)
                    count += len(messages)
        except (ChannelNotFoundEntity, PublishError):
            why = f"There is no queue {printable(wanted.queue)}: subscribe first, then ask for the past."
        except DeliveryError:
            why = f"{printable(wanted.queue)} takes nothing more: is it full? {AGAIN}"
    say(f"{count:,} events to {printable(wanted.queue)}")
    if why:
        say(why)
    return int(bool(why))


@asynccontextmanager
async def _default_exchange(broker_url: str, queue: str) -> AsyncIterator[AbstractExchange]:
    async with asyncio.timeout(ANSWER_SECONDS):
        connection = await aio_pika.connect(broker_url)
    async with connection:
        # One that is exclusive to its subscriber is there, and may be sent to.
        with suppress(ChannelLockedResource):
            await (await connection.channel()).declare_queue(queue, passive=True, timeout=ANSWER_SECONDS)
        yield (await connection.channel(publisher_confirms=True, on_return_raises=True)).default_exchange


async def _some(
    settings: OperatorSettings, wanted: Wanted, advance: Callable[[int], None]
) -> AsyncGenerator[list[aio_pika.Message], None]:
    """What is wanted, some at a time."""
    some: list[aio_pika.Message] = []
    async with aclosing(told(settings, wanted.since, wanted.until)) as past:
        async for message, routing_key in past:
            advance(1)
            if wanted.has(message, routing_key):
                some.append(message)
            if len(some) == AT_ONCE:
                yield some
                some = []
    yield some


async def _send(exchange: AbstractExchange, messages: list[aio_pika.Message], queue: str) -> None:
    """All at once and in their order; return when the queue has them."""
    sending = [exchange.publish(each, queue, mandatory=True, timeout=ANSWER_SECONDS) for each in messages]
    for result in await asyncio.gather(*sending, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
