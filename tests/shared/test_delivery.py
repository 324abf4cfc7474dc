"""One event in hand: what is done with its message, and when."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import uuid4

import pytest

from shared.contracts.base import Event
from shared.db import Database
from shared.envelope import BATCH
from shared.inbox import Heard
from shared.telemetry import current_id
from tests.shared.conftest import balance_changed
from tests.shared.deliveries import Again, Message, Takes, batch, delivery_to, to_many, to_one


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
