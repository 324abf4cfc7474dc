"""What a user of the broker may try there, and whether the broker lets them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPException
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource

from shared.messaging import EVENTS
from tests.installation import Installation

Try = Callable[[AbstractChannel], Awaitable[object]]
Attempts = dict[tuple[str, str], tuple[Try, bool]]
"""Who, and what: how it is tried, and whether it is allowed."""


async def publish(channel: AbstractChannel, exchange: str, routing_key: str) -> None:
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    await target.publish(aio_pika.Message(b"{}"), routing_key, mandatory=False)


async def consume(channel: AbstractChannel, queue: str) -> None:
    """Take nothing away: what comes is left, and comes again elsewhere."""
    await channel.set_qos(1)
    found = await channel.get_queue(queue, ensure=False)
    tag = await found.consume(_leave)
    await found.cancel(tag)


async def _leave(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    await message.nack(requeue=True)


async def bind(channel: AbstractChannel, queue: str, key: str = "nobody.listens", source: str = EVENTS) -> None:
    await (await channel.get_queue(queue, ensure=False)).bind(source, key)


async def unbind(channel: AbstractChannel, queue: str, source: str = EVENTS) -> None:
    await (await channel.get_queue(queue, ensure=False)).unbind(source, "nobody.listens")


async def purge(channel: AbstractChannel, queue: str) -> None:
    await (await channel.get_queue(queue, ensure=False)).purge()


async def delete(channel: AbstractChannel, queue: str) -> None:
    await (await channel.get_queue(queue, ensure=False)).delete(if_unused=False, if_empty=False)


async def declare(channel: AbstractChannel, queue: str, arguments: dict[str, str] | None = None) -> None:
    await channel.declare_queue(queue, exclusive=True, arguments=dict(arguments or {}))


async def declare_exchange(channel: AbstractChannel, exchange: str, arguments: dict[str, str] | None = None) -> None:
    made = await channel.declare_exchange(exchange, arguments=dict(arguments or {}), auto_delete=True)
    await made.delete()


async def remove_exchange(channel: AbstractChannel, exchange: str) -> None:
    await channel.exchange_delete(exchange)


async def overhear(channel: AbstractChannel, key: str, source: str = EVENTS) -> None:
    await (await channel.declare_queue(exclusive=True)).bind(source, key)


async def feed(channel: AbstractChannel, user: str, exchange: str) -> None:
    mine = await channel.declare_exchange(user + uuid4().hex, auto_delete=True)
    await (await channel.get_exchange(exchange, ensure=False)).bind(mine, "billing.order_paid.v1")


async def subscribe(channel: AbstractChannel, source: str = EVENTS) -> None:
    queue = await channel.declare_queue(f"integrator.{uuid4().hex}", exclusive=True)
    for key in ("#", "billing.order_paid.v1"):
        await queue.bind(source, key)
    await queue.consume(_leave)
    await queue.delete(if_unused=False, if_empty=False)


class Users:
    """Connections as each of the broker's users."""

    def __init__(self, connections: Mapping[str, aio_pika.abc.AbstractConnection]) -> None:
        self.connections = connections

    async def refused(self, user: str, attempt: Try) -> bool:
        """Whether the broker says that it is not permitted."""
        channel = await self.connections[user].channel(publisher_confirms=True)
        try:
            async with asyncio.timeout(10):
                await attempt(channel)
        except (ChannelAccessRefused, ChannelLockedResource):
            return True
        except AMQPException:
            return False
        finally:
            with suppress(Exception):
                await channel.close()
        return False


@asynccontextmanager
async def connected(installation: Installation, *names: str) -> AsyncIterator[Users]:
    connections = {name: await aio_pika.connect(installation.broker_url(name)) for name in names}
    try:
        yield Users(connections)
    finally:
        for connection in connections.values():
            await connection.close()


async def wrong(users: Users, attempts: Attempts) -> list[str]:
    """Where the broker did otherwise."""
    assert attempts
    return [
        f"{user} {what}: should be {'allowed' if allowed else 'refused'}"
        for (user, what), (attempt, allowed) in attempts.items()
        if await users.refused(user, attempt) == allowed
    ]
