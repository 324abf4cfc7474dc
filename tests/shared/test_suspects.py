"""What the process may die of: tried alone, counted, given up; and nothing else for its sake."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.contracts.base import Event
from shared.db import Database
from shared.envelope import BATCH
from shared.inbox import Heard
from tests.shared.conftest import balance_changed
from tests.shared.deliveries import Again, Message, batch, delivery_to, to_many, to_one


@pytest.fixture
def buried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why each dead letter died."""
    buried: list[str] = []

    async def bury(broker: object, message: object, queue: str, why: str) -> None:
        buried.append(why)

    monkeypatch.setattr("shared.delivery.bury", bury)
    return buried


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
