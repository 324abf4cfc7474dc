"""A service's plumbing on billing's database, and a program beside it that hears everything told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aio_pika
import pytest
from fastapi import Body, FastAPI
from sqlalchemy import text

from shared.contracts.billing import BalanceChanged
from shared.contracts.orders import OrderFacts, OrderPlaced
from shared.db import Database
from shared.envelope import batch_of
from shared.health import Health
from shared.web import web_app
from tests.installation import Installation, serving
from tests.shared.deliveries import Again


@pytest.fixture(scope="session")
def installation(installation_alone: Installation) -> Installation:
    """One in which nobody else relays, listens or fills tables meanwhile."""
    return installation_alone


@pytest.fixture(scope="module")
async def database(installation: Installation) -> AsyncIterator[Database]:
    database = Database(installation.database_url("billing"))
    yield database
    await database.close()


def balance_changed(customer_id: UUID, version: int) -> BalanceChanged:
    return BalanceChanged(
        customer_id=customer_id,
        currency="USD",
        balance_minor=version,
        held_minor=0,
        available_minor=version,
        version=version,
        at=datetime.now(UTC),
    )


@dataclass
class Listener:
    """Another program, which has bound a queue of its own."""

    heard: list[aio_pika.abc.AbstractIncomingMessage] = field(default_factory=list)

    def about(self, subject: object) -> list[aio_pika.abc.AbstractIncomingMessage]:
        return [message for message in self.heard if message.headers["ce-subject"] == str(subject)]


@asynccontextmanager
async def listening(installation: Installation, *routing_keys: str) -> AsyncIterator[Listener]:
    connection = await aio_pika.connect(installation.broker_url("integrator"))
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"integrator.{uuid4()}", exclusive=True)
        exchange = await channel.get_exchange("purser.events", ensure=False)
        for routing_key in routing_keys:
            await queue.bind(exchange, routing_key)
        listener = Listener()

        async def hear(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            listener.heard.append(message)
            await message.ack()

        await queue.consume(hear)
        yield listener


@asynccontextmanager
async def taking(installation: Installation, *routing_keys: str) -> AsyncIterator[aio_pika.abc.AbstractQueue]:
    """A queue to which the relays' batches come."""
    async with await aio_pika.connect(installation.broker_url("operator")) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for routing_key in routing_keys:
            await queue.bind("purser.batches", routing_key)
        yield queue


class Orders:
    """Tells events as the orders service would: with its broker user, straight onto the exchange for our own queues."""

    def __init__(self, exchange: aio_pika.abc.AbstractExchange) -> None:
        self.exchange = exchange

    async def tell(self, body: bytes, event_id: str, headers: dict[str, str] | None = None) -> None:
        known = {"ce-id": event_id, "ce-type": OrderPlaced.routing_key}
        message = aio_pika.Message(
            body,
            headers=known if headers is None else headers,  # type: ignore[arg-type]
            message_id=event_id,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await self.exchange.publish(message, OrderPlaced.routing_key, timeout=5)

    async def tell_together(self, *orders: OrderFacts, bodies: Sequence[str] = ()) -> list[UUID]:
        """In one message; gives their ids."""
        rows = [
            {
                "event_id": uuid4(),
                "routing_key": OrderPlaced.routing_key,
                "subject": "ORD-0000000001",
                "at": datetime.now(UTC),
                "correlation_id": None,
                "body": body,
            }
            for body in (*(order.model_dump_json() for order in orders), *bodies)
        ]
        await self.exchange.publish(batch_of("orders", rows), OrderPlaced.routing_key, timeout=5)
        return [row["event_id"] for row in rows]  # type: ignore[misc]


@pytest.fixture
async def orders(installation: Installation) -> AsyncIterator[Orders]:
    connection = await aio_pika.connect(installation.broker_url("orders"))
    async with connection:
        channel = await connection.channel()
        yield Orders(await channel.get_exchange("purser.batches", ensure=False))


async def invoices(database: Database, order: OrderFacts) -> int:
    async with database.transaction() as session:
        count = await session.scalar(
            text("SELECT count(*) FROM invoices WHERE order_number = :n"), {"n": order.order_number}
        )
        return int(count or 0)


@asynccontextmanager
async def running(*work: object) -> AsyncIterator[None]:
    """Coroutines that run for ever, until the end of the block."""
    tasks = [asyncio.ensure_future(each) for each in work]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[tuple[str, int]]:
    """A server that echoes bodies."""
    app = web_app("A test", nothing, Health({}))

    @app.post("/echo")
    async def echo(said: Annotated[str, Body()]) -> str:
        return said

    async with serving(app) as url:
        where = urlsplit(url)
        yield where.hostname or "", where.port or 0


@asynccontextmanager
async def nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> Again:
    again = Again()
    monkeypatch.setattr("shared.delivery.send_again", again)
    return again
