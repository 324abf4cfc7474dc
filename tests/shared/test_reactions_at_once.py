"""A reaction that takes its events into the inbox itself: what it leaves is done in a transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged
from shared.db import Database
from shared.delivery import Delivery
from shared.effects import AtOnce
from shared.envelope import BATCH
from shared.inbox import Taken, insertion
from tests.shared.conftest import balance_changed
from tests.shared.deliveries import Message, batch, delivery_to

_TAKE = text(insertion("SELECT unnest(CAST(:event_ids AS uuid[])) AS event_id"))


class Reaction:
    """Takes at once what has an odd version, and remembers what was done how; `fails`: but not the first time."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.at_once: list[int] = []
        self.held: list[list[int]] = []

    async def do_at_once(self, session: AsyncSession, taken: Sequence[Taken[Event]]) -> Mapping[UUID, bool]:
        if self.fails:
            self.fails = False
            raise RuntimeError("not so")
        mine = {event_id: cast(BalanceChanged, heard.event) for event_id, heard in taken if heard.event.version % 2}
        first = set(await session.scalars(_TAKE, {"event_ids": list(mine)}))
        self.at_once += [event.version for event_id, event in mine.items() if event_id in first]
        session.info["told"] = {"an event"}
        return {event_id: event_id in first for event_id in mine}

    async def do_held(self, session: AsyncSession, taken: Sequence[Taken[Event]]) -> Mapping[UUID, bool]:
        self.held.append([heard.event.version for _, heard in taken])
        first = set(await session.scalars(_TAKE, {"event_ids": [event_id for event_id, _ in taken]}))
        return {event_id: event_id in first for event_id, _ in taken}

    def delivery(self, database: Database) -> Delivery:
        reaction = AtOnce(self.do_at_once, self.do_held)
        return delivery_to(reaction, database)


async def receive(reaction: Reaction, database: Database, versions: Sequence[int]) -> None:
    body, ids = batch(*(balance_changed(uuid4(), version) for version in versions))
    message = Message(database, body, event_id=ids[-1], content_type=BATCH)
    await reaction.delivery(database).receive(cast(Any, message))
    assert message.committed_when_acknowledged == [True]


async def test_what_is_left_takes_effect_in_a_transaction_of_its_own(database: Database) -> None:
    reaction = Reaction()
    await receive(reaction, database, [1, 2, 3, 4])
    assert reaction.at_once == [1, 3]
    assert sorted(reaction.held) == [[2], [4]]


async def test_where_it_fails_each_takes_effect_in_a_transaction(database: Database) -> None:
    reaction = Reaction(fails=True)
    await receive(reaction, database, [1, 2, 3])
    assert sorted(reaction.held) == [[1], [2], [3]]


async def test_what_comes_alone_and_fails_at_once_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.01,))
    reaction = Reaction(fails=True)
    message = Message(database, balance_changed(uuid4(), 1).model_dump_json().encode())
    await reaction.delivery(database).receive(cast(Any, message))
    assert (reaction.at_once, message.committed_when_acknowledged) == ([1], [True])


async def test_what_it_tells_wakes_the_relay(database: Database) -> None:
    database.told.clear()
    message = Message(database, balance_changed(uuid4(), 1).model_dump_json().encode())
    await Reaction().delivery(database).receive(cast(Any, message))
    async with asyncio.timeout(5):
        await database.told.wait()
