"""Hears every event that any service tells, each time that it tells it, and knows what waits in the queues."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.contracts.subscriptions import LISTENED_TO, SUBSCRIPTIONS, queue_name
from shared.messaging import EVENTS
from tests.faults.system import PrivatePurser

QUEUES = tuple(queue_name(listener, event) for listener, events in SUBSCRIPTIONS.items() for event in events)


class Tap:
    """`again`: for each routing key, how often an event was published that had been published before; `turned_round`:
    those that were first published after a later one of the same aggregate."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.again: Counter[str] = Counter()
        self.turned_round: list[str] = []
        self._channel = channel
        self._heard: set[str] = set()
        self._newest: dict[tuple[str, str], int] = {}

    async def hear(self, message: AbstractIncomingMessage) -> None:
        event_id, routing_key = str(message.message_id), message.routing_key or ""
        if event_id in self._heard:
            self.again[routing_key] += 1
            return
        self._heard.add(event_id)
        aggregate = routing_key.partition(".")[0], str(message.headers["ce-subject"])
        version, newest = json.loads(message.body)["version"], self._newest.get(aggregate, 0)
        if version < newest:
            self.turned_round.append(f"{routing_key} {aggregate[1]}: version {version} after {newest}")
        self._newest[aggregate] = max(version, newest)

    async def waiting_in(self) -> str | None:
        """A queue in which something waits that nobody has in hand: cheaper to ask than `PrivatePurser.queues`."""
        for name in QUEUES:
            queue = await self._channel.declare_queue(name, passive=True)
            if queue.declaration_result.message_count:
                return name
        return None


@asynccontextmanager
async def tapped(purser: PrivatePurser) -> AsyncIterator[Tap]:
    """As long as the block lasts, in which the broker must not be broken."""
    connection = await aio_pika.connect(purser.system.programs.broker_url("operator"))
    async with connection:
        channel = await connection.channel()
        tap = Tap(channel)
        queue = await channel.declare_queue(exclusive=True)
        for routing_key in LISTENED_TO:
            await queue.bind(EVENTS, routing_key)
        await queue.consume(tap.hear, no_ack=True)
        yield tap
