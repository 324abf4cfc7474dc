"""Staying connected to the broker, as a listener: whatever breaks, it listens again in seconds."""

import asyncio
from collections.abc import Callable, Iterable
from typing import NoReturn

import structlog
from faststream.rabbit import RabbitBroker

from shared.failure import kind_of
from shared.messaging import HEARTBEAT_SECONDS, is_set_within, must_end, quietly

# When the process is to stop, the events in hand have so long to take effect, and the connection to close; what has
# not, the broker delivers again.
FINISHING_SECONDS = 1.5
STOPPING_SECONDS = 2.5
START_SECONDS = 15.0
LOOK_SECONDS = 5.0
ANSWER_SECONDS = 5.0

log = structlog.get_logger()


async def keep_listening(
    broker_url: str, subscribe: Callable[[RabbitBroker], Iterable[str]], up: asyncio.Event
) -> None:
    """Listen for ever to the queues that `subscribe` names, whether the broker is not there yet, or lost later; `up` is
    set while it does. Ends by cancellation.

    A lost connection is not mended, but replaced: one that was mended may have lost a consumer.
    """
    while True:
        lost = asyncio.Event()
        broker = _broker(broker_url, lost)
        queues = subscribe(broker)
        try:
            async with asyncio.timeout(START_SECONDS):
                await broker.start()
            up.set()
            await _lose(broker, lost, queues)
        except BaseException as error:
            up.clear()
            if must_end(error):
                await _stop(broker)
                raise
            log.warning("not listening", error=kind_of(error))
            await quietly(_let_go(broker))
        await asyncio.sleep(1)


def _broker(broker_url: str, lost: asyncio.Event) -> RabbitBroker:
    return RabbitBroker(
        broker_url,
        timeout=ANSWER_SECONDS,
        client_properties={"heartbeat": HEARTBEAT_SECONDS},
        on_close=[lambda *_: lost.set()],
        graceful_timeout=FINISHING_SECONDS,
        # Its dependency injection takes a thread for each message (0.1 CPU ms).
        apply_types=False,
        logger=None,
    )


async def _lose(broker: RabbitBroker, lost: asyncio.Event, queues: Iterable[str]) -> NoReturn:
    """Raise as soon as the connection is closed, does not answer, or a queue has no listener."""
    async with asyncio.timeout(ANSWER_SECONDS):
        channel = await (await broker.connect()).channel()
    while not await is_set_within(lost, LOOK_SECONDS):
        for name in queues:
            async with asyncio.timeout(ANSWER_SECONDS):
                queue = await channel.declare_queue(name, passive=True, robust=False)
            if not queue.declaration_result.consumer_count:
                raise ConnectionError(f"nobody listens to {name}")
    raise ConnectionError("the broker is lost")


async def _stop(broker: RabbitBroker) -> None:
    try:
        async with asyncio.timeout(STOPPING_SECONDS):
            await broker.stop()
    except Exception as error:
        log.debug("stopping failed", error=kind_of(error))


async def _let_go(broker: RabbitBroker) -> None:
    """Close it without waiting for what is in hand, which the broker gives out again."""
    await (await broker.connect()).close()
