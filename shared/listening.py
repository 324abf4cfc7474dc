"""Staying connected to the broker, as a listener: whatever breaks, it listens again in seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NoReturn

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection

from shared.delivery import Delivery
from shared.failure import kind_of
from shared.messaging import HEARTBEAT_SECONDS, is_set_within, is_told_to_end, must_end, quietly

# When the process is to stop, the events in hand have so long to take effect; what has not, the broker delivers again.
FINISHING_SECONDS = 1.5
START_SECONDS = 15.0
LOOK_SECONDS = 5.0
ANSWER_SECONDS = 5.0

log = structlog.get_logger()

Deliveries = Mapping[str, Delivery]


async def keep_listening(
    broker_url: str, subscribe: Callable[[AbstractConnection], Awaitable[Deliveries]], up: asyncio.Event
) -> None:
    """Listen for ever to the queues that `subscribe` names, whether the broker is not there yet, or lost later; `up` is
    set while it does. Ends by cancellation.

    A lost connection is not mended, but replaced: one that was mended may have lost a consumer.
    """
    while True:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await aio_pika.connect(broker_url, heartbeat=HEARTBEAT_SECONDS)
            try:
                await _listen(connection, subscribe, up)
            finally:
                up.clear()
                await quietly(connection.close())
        except BaseException as error:
            if must_end(error):
                raise
            log.warning("not listening", error=kind_of(error))
        await asyncio.sleep(1)


async def _listen(
    connection: AbstractConnection, subscribe: Callable[[AbstractConnection], Awaitable[Deliveries]], up: asyncio.Event
) -> NoReturn:
    lost = asyncio.Event()
    connection.close_callbacks.add(lambda *_: lost.set())
    async with asyncio.timeout(START_SECONDS):
        deliveries = await subscribe(connection)
    up.set()
    try:
        await _lose(connection, lost, deliveries)
    finally:
        if is_told_to_end():
            await _finish(deliveries.values())


async def _lose(connection: AbstractConnection, lost: asyncio.Event, queues: Iterable[str]) -> NoReturn:
    """Raise as soon as the connection is closed, does not answer, or a queue has no listener."""
    async with asyncio.timeout(ANSWER_SECONDS):
        channel = await connection.channel()
    while not await is_set_within(lost, LOOK_SECONDS):
        for name in queues:
            async with asyncio.timeout(ANSWER_SECONDS):
                queue = await channel.declare_queue(name, passive=True)
            if not queue.declaration_result.consumer_count:
                raise ConnectionError(f"nobody listens to {name}")
    raise ConnectionError("the broker is lost")


async def _finish(deliveries: Iterable[Delivery]) -> None:
    try:
        async with asyncio.timeout(FINISHING_SECONDS):
            await asyncio.gather(*(delivery.finish() for delivery in deliveries))
    except Exception as error:
        log.debug("stopping failed", error=kind_of(error))
