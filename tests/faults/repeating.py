"""Every message delivered several times and out of order: copies with the same id, straight into the queues."""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.messaging import EVENTS
from tests.faults.system import PrivatePurser

MOST_COPIES = 4
LATEST_SECONDS = 2.0
QUEUES: dict[str, list[str]] = {}
for listener, events in SUBSCRIPTIONS.items():
    for event in events:
        QUEUES.setdefault(event.routing_key, []).append(queue_name(listener, event))


@dataclass(frozen=True)
class Repeat:
    """For so long each listener is given every message one to five times, up to two seconds later."""

    name: ClassVar[str] = "repetition"
    seed: int
    seconds: float

    @property
    def hits(self) -> tuple[str, ...]:
        return ()

    async def strike(self, purser: PrivatePurser) -> float:
        # The broker may be broken just now: then nothing is repeated.
        with suppress(OSError, TimeoutError, aio_pika.exceptions.AMQPError):
            async with asyncio.timeout(self.seconds + 10):
                await self._repeat(purser)
        return time.monotonic()

    async def _repeat(self, purser: PrivatePurser) -> None:
        chance, copies = random.Random(self.seed), set[asyncio.Task[None]]()
        connection = await aio_pika.connect(purser.system.programs.broker_url("operator"))
        async with connection:
            channel = await connection.channel(publisher_confirms=False)
            queue = await channel.declare_queue(exclusive=True)
            for routing_key in QUEUES:
                await queue.bind(EVENTS, routing_key)

            async def copy(message: AbstractIncomingMessage) -> None:
                for name in QUEUES[message.routing_key or ""]:
                    for _ in range(chance.randint(0, MOST_COPIES)):
                        late = chance.uniform(0, LATEST_SECONDS)
                        copies.add(asyncio.create_task(_give(channel.default_exchange, message, name, late)))

            await queue.consume(copy, no_ack=True)
            await asyncio.sleep(self.seconds)
            await asyncio.gather(*copies, return_exceptions=True)
        purser.repeated += len(copies)


async def _give(exchange: AbstractExchange, message: AbstractIncomingMessage, queue: str, late: float) -> None:
    await asyncio.sleep(late)
    same = aio_pika.Message(
        message.body,
        **{
            name: getattr(message, name)
            for name in ("headers", "content_type", "message_id", "correlation_id", "delivery_mode")
        },
    )
    # The broker may have died meanwhile.
    with suppress(aio_pika.exceptions.AMQPError, aio_pika.exceptions.ChannelInvalidStateError):
        await exchange.publish(same, queue, mandatory=False)
