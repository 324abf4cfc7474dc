"""A message in hand, and reactions to try it on, without a broker."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import aio_pika
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged
from shared.db import Database
from shared.delivery import Delivery
from shared.effects import AtOnce, Reaction
from shared.envelope import batch_of
from shared.inbox import Heard, Taken, first_times
from shared.suspects import Suspects


@dataclass
class Message:
    """As the broker would hand it over; remembers what was committed when it was acknowledged."""

    database: Database
    body: bytes
    event_id: UUID = field(default_factory=uuid4)
    correlation_id: str | None = None
    content_type: str = "application/json"
    deliveries_before: int = 0
    further: dict[str, Any] = field(default_factory=dict)
    given_back: int = 0
    committed_when_acknowledged: list[bool] = field(default_factory=list)

    @property
    def message_id(self) -> str:
        return str(self.event_id)

    @property
    def raw_message(self) -> aio_pika.Message:
        return aio_pika.Message(self.body, headers=self.headers, message_id=self.message_id)

    @property
    def headers(self) -> dict[str, Any]:
        known = {"ce-id": str(self.event_id), "ce-type": BalanceChanged.routing_key}
        return {**known, "x-delivery-count": self.deliveries_before, **self.further}

    async def nack(self, requeue: bool) -> None:
        self.given_back += 1

    async def ack(self) -> None:
        async with self.database.transaction() as session:
            taken = text("SELECT count(*) FROM inbox WHERE event_id = :id")
            self.committed_when_acknowledged.append(await session.scalar(taken, {"id": self.event_id}) == 1)


ReactionToMany = Callable[[Sequence[Heard[Event]]], Awaitable[None]]
Takes = Callable[[Database, ReactionToMany], Reaction[Event] | AtOnce[Event]]


def to_one(database: Database, react: ReactionToMany) -> Reaction[Event]:
    """Each event by itself."""
    return lambda event, _: react([Heard(event)])


def to_many(database: Database, react: ReactionToMany) -> AtOnce[Event]:
    """All that have come together, and those with which that fails by themselves."""

    async def held(session: AsyncSession, taken: Sequence[Taken[Event]]) -> Mapping[UUID, bool]:
        first = await first_times(session, [event_id for event_id, _ in taken])
        if first:
            await react([heard for event_id, heard in taken if event_id in first])
        return {event_id: event_id in first for event_id, _ in taken}

    async def at_once(_: AsyncSession, taken: Sequence[Taken[Event]]) -> Mapping[UUID, bool]:
        async with database.transaction() as session:
            return await held(session, taken)

    return AtOnce(at_once, held)


def delivery_to(reaction: Reaction[Event] | AtOnce[Event], database: Database) -> Delivery:
    return Delivery("a queue", BalanceChanged, reaction, database, cast(Any, None), Suspects(database))


def batch(*events: BalanceChanged) -> tuple[bytes, list[UUID]]:
    """As billing's relay sends it; and the events' ids."""
    rows = [
        {
            "event_id": uuid4(),
            "routing_key": event.routing_key,
            "subject": event.subject,
            "at": event.at,
            "correlation_id": f"c-{event.version}",
            "body": event.model_dump_json(),
        }
        for event in events
    ]
    return batch_of("billing", rows).body, [UUID(str(row["event_id"])) for row in rows]


@dataclass
class Again:
    """What a batch is taken apart into, and whether that is refused."""

    messages: list[aio_pika.Message] = field(default_factory=list)
    refused: bool = False

    @property
    def events(self) -> list[str]:
        return [str(message.headers["ce-id"]) for message in self.messages]

    async def __call__(self, broker: object, messages: Sequence[aio_pika.Message], queue: str) -> None:
        if self.refused:
            raise ConnectionError
        self.messages += messages
