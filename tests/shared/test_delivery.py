"""One event in hand: what is done with its message, and when."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import aio_pika
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged
from shared.db import Database
from shared.delivery import Delivery
from shared.effects import AtOnce, Reaction
from shared.envelope import BATCH, batch_of
from shared.inbox import Heard, Taken, first_times
from shared.suspects import Suspects
from shared.telemetry import current_id
from tests.shared.conftest import balance_changed


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


@pytest.mark.parametrize("reaction", [to_one, to_many])
async def test_an_event_is_acknowledged_only_when_its_effect_is_committed_and_takes_effect_once(
    database: Database, reaction: Takes
) -> None:
    effects: list[Event] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        effects.extend(each.event for each in heard)

    message = Message(database, balance_changed(uuid4(), 1).model_dump_json().encode())
    delivery = delivery_to(reaction(database, react), database)
    for _ in range(3):
        await delivery.receive(cast(Any, message))
    assert message.committed_when_acknowledged == [True, True, True]
    assert len(effects) == 1


@pytest.mark.parametrize("reaction", [to_one, to_many])
async def test_an_effect_that_fails_is_tried_again_and_leaves_no_trace_of_the_first_try(
    database: Database, monkeypatch: Any, reaction: Takes
) -> None:
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.01, 0.01))
    tries = 0

    async def fail_at_first(heard: Sequence[Heard[Event]]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("not yet")

    message = Message(database, balance_changed(uuid4(), 1).model_dump_json().encode())
    delivery = delivery_to(reaction(database, fail_at_first), database)
    await delivery.receive(cast(Any, message))
    assert (tries, message.committed_when_acknowledged) == (2, [True])


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


async def test_a_batch_takes_effect_together_where_a_reaction_takes_many_and_each_event_causes_in_its_own_context(
    database: Database,
) -> None:
    together: list[list[tuple[int, str | None]]] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        together.append([(each.event.version, each.context.run(current_id)) for each in heard])

    body, ids = batch(*(balance_changed(uuid4(), version) for version in range(1, 31)))
    message = Message(database, body, event_id=ids[-1], content_type=BATCH)
    delivery = delivery_to(to_many(database, react), database)
    for _ in range(2):
        await delivery.receive(cast(Any, message))
    assert together == [[(version, f"c-{version}") for version in range(1, 31)]]
    assert message.committed_when_acknowledged == [True, True]


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


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> Again:
    again = Again()
    monkeypatch.setattr("shared.delivery.send_again", again)
    return again


@pytest.mark.parametrize("reaction", [to_one, to_many])
async def test_what_fails_in_a_batch_comes_again_alone_before_the_batch_is_acknowledged(
    database: Database, reaction: Takes, again: Again
) -> None:
    effects: list[int] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        if any(each.event.version == 3 for each in heard):
            raise RuntimeError("a bug")
        effects.extend(each.event.version for each in heard)

    body, ids = batch(*(balance_changed(uuid4(), version) for version in range(1, 6)))
    message = Message(database, body, event_id=ids[0], content_type=BATCH)
    delivery = delivery_to(reaction(database, react), database)
    await delivery.receive(cast(Any, message))
    assert (again.events, message.committed_when_acknowledged) == ([str(ids[2])], [True])
    assert sorted(effects) == [1, 2, 4, 5]


async def test_a_batch_that_cannot_be_taken_apart_is_not_acknowledged(
    database: Database, again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.delivery.UNREACHABLE_SECONDS", 0.01)
    again.refused = True

    async def react(heard: Sequence[Heard[Event]]) -> None:
        raise RuntimeError("a bug")

    message = Message(database, batch(balance_changed(uuid4(), 1))[0], content_type=BATCH)
    await delivery_to(to_many(database, react), database).receive(cast(Any, message))
    assert (message.committed_when_acknowledged, message.given_back) == ([], 1)


async def test_a_batch_that_came_before_and_before_that_is_not_tried_but_taken_apart(
    database: Database, again: Again
) -> None:
    """The process may die of one of them."""
    tries: list[int] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        tries.append(len(heard))

    body, ids = batch(*(balance_changed(uuid4(), version) for version in range(1, 4)))
    message = Message(database, body, content_type=BATCH, deliveries_before=2)
    await delivery_to(to_many(database, react), database).receive(cast(Any, message))
    assert (again.events, tries) == (list(map(str, ids)), [])
    assert len(message.committed_when_acknowledged) == 1


async def test_what_a_batch_was_taken_apart_into_is_tried_one_at_a_time_from_the_first(
    database: Database, again: Again
) -> None:
    """Or the process dies of it before the batch is acknowledged, and with the batch all of it comes once more."""
    together: list[int] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        together.append(len(heard))

    body, _ = batch(*(balance_changed(uuid4(), version) for version in range(1, 4)))
    delivery = delivery_to(to_many(database, react), database)
    await delivery.receive(cast(Any, Message(database, body, content_type=BATCH, deliveries_before=2)))
    parts = [Message(database, part.body, further=dict(part.headers)) for part in again.messages]
    await asyncio.gather(*(delivery.receive(cast(Any, part)) for part in parts))
    assert together == [1, 1, 1]


@pytest.fixture
def buried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why each dead letter died."""
    buried: list[str] = []

    async def bury(broker: object, message: object, queue: str, why: str) -> None:
        buried.append(why)

    monkeypatch.setattr("shared.delivery.bury", bury)
    return buried


def suspect(database: Database, deliveries_before: int = 2) -> Message:
    body = balance_changed(uuid4(), 1).model_dump_json().encode()
    return Message(database, body, deliveries_before=deliveries_before)


async def begun(database: Database, event_id: UUID) -> int | None:
    async with database.reading() as session:
        count = text("SELECT begun FROM suspects WHERE event_id = :event_id")
        return (await session.execute(count, {"event_id": event_id})).scalar_one_or_none()


async def test_that_a_suspect_is_tried_is_committed_before_and_forgotten_when_the_try_has_ended(
    database: Database, buried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it fails: the process has not died of it."""
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.0,) * 6)
    message = suspect(database)
    known: list[int | None] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        known.append(await begun(database, message.event_id))
        raise RuntimeError("a bug")

    await delivery_to(to_one(database, react), database).receive(cast(Any, message))
    assert (known, await begun(database, message.event_id)) == ([1] * 7, None)
    assert [why.partition(" in ")[0] for why in buried] == ["RuntimeError"]


async def test_what_was_begun_five_times_and_has_never_ended_is_not_tried_once_more(
    database: Database, buried: list[str]
) -> None:
    tries: list[int] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        tries.append(len(heard))

    message = suspect(database)
    async with database.transaction() as session:
        five = text("INSERT INTO suspects (event_id, begun) VALUES (:event_id, 5)")
        await session.execute(five, {"event_id": message.event_id})
    await delivery_to(to_one(database, react), database).receive(cast(Any, message))
    assert tries == []
    assert buried == ["its worker ended each of the 5 times that it was tried alone"]


async def test_what_has_come_half_as_often_as_the_broker_bears_comes_anew_before_it_is_tried(
    database: Database, again: Again
) -> None:
    """Its workers may have ended of anything else."""
    effects: list[Event] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        effects.extend(each.event for each in heard)

    message = suspect(database, deliveries_before=10)
    delivery = delivery_to(to_one(database, react), database)
    await delivery.receive(cast(Any, message))
    assert (again.events, effects, len(message.committed_when_acknowledged)) == ([str(message.event_id)], [], 1)
    [anew] = again.messages
    assert "x-delivery-count" not in anew.headers
    await delivery.receive(cast(Any, Message(database, anew.body, message.event_id, further=dict(anew.headers))))
    assert len(effects) == 1


async def test_what_cannot_come_anew_is_tried_as_it_is(database: Database, again: Again) -> None:
    again.refused = True
    effects: list[Event] = []

    async def react(heard: Sequence[Heard[Event]]) -> None:
        effects.extend(each.event for each in heard)

    message = suspect(database, deliveries_before=10)
    await delivery_to(to_one(database, react), database).receive(cast(Any, message))
    assert (len(effects), message.committed_when_acknowledged) == (1, [True])
