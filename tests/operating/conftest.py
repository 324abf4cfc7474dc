"""The operator's commands as they are typed, against this worker's servers; and letters to try them on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from typer.testing import CliRunner, Result

from deploy.cli import app
from shared.db import Database
from tests.installation import PACKAGES, Installation

Purser = Callable[..., Awaitable[Result]]
# In which billing hears of orders.
QUEUE = "billing.on.orders.order_placed.v1"


@pytest.fixture(scope="session")
def installation(installation_alone: Installation) -> Installation:
    """One in which nobody else relays, listens or fills tables meanwhile."""
    return installation_alone


@pytest.fixture
def purser_command(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Purser:
    monkeypatch.setenv("PURSER_BROKER_URL", installation.broker_url("operator"))
    for service in PACKAGES:
        monkeypatch.setenv(f"PURSER_{service.upper()}_DATABASE_URL", installation.database_url(service))

    async def run(*arguments: str) -> Result:
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    return run


@pytest.fixture
async def channel(installation: Installation) -> AsyncIterator[AbstractChannel]:
    """Of the broker's operator, who may do anything."""
    async with await aio_pika.connect(installation.broker_url("operator")) as connection:
        yield await connection.channel(on_return_raises=True)


@dataclass
class Subscriber:
    """A queue of one's own, where letters have died or history goes to."""

    channel: AbstractChannel
    name: str

    async def bury(self, body: bytes = b"{}", headers: dict[str, str] | None = None, message_id: str = "") -> str:
        """A dead letter of this queue; gives its id."""
        message = aio_pika.Message(
            body,
            headers={"x-died-of": "a bug", "x-died-at": datetime.now(UTC).isoformat(), **(headers or {})},
            message_id=message_id or str(uuid4()),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        exchange = await self.channel.get_exchange("purser.dead_letters", ensure=False)
        await exchange.publish(message, self.name, timeout=5)
        return str(message.message_id)

    async def take_all(self, limit: int = 1_000_000) -> list[AbstractIncomingMessage]:
        queue = await self.channel.get_queue(self.name, ensure=False)
        taken: list[AbstractIncomingMessage] = []
        while len(taken) < limit and (message := await queue.get(fail=False, timeout=5)) is not None:
            await message.ack()
            taken.append(message)
        return taken


@pytest.fixture
async def subscriber(channel: AbstractChannel) -> AsyncIterator[Subscriber]:
    queue = await channel.declare_queue(
        f"integrator.{uuid4()}", durable=True, arguments={"x-queue-type": "quorum"}, timeout=10
    )
    yield Subscriber(channel, queue.name)
    await channel.queue_delete(queue.name)


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    database = Database(installation.database_url("billing"))
    yield database
    await database.close()
