"""The relay leaves nothing behind and turns nothing round, whatever ends late, comes back or dies."""

import asyncio
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared import outbox
from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged
from shared.db import Database
from shared.relay import Relay, sent_total, unroutable_total
from tests.eventually import eventually
from tests.installation import Installation
from tests.shared.conftest import Listener, balance_changed, listening, running, taking

KEY = "billing.balance_changed.v1"


def relay(installation: Installation) -> Relay:
    return Relay("billing", installation.database_url("billing"), installation.broker_url("billing"))


async def tell(database: Database, *events: Event) -> None:
    for event in events:
        async with database.transaction() as session:
            await outbox.record(session, event)


async def unsent(database: Database, subject: UUID) -> list[int]:
    async with database.transaction() as session:
        versions = await session.scalars(
            text("SELECT version FROM outbox WHERE subject = :s ORDER BY version"), {"s": str(subject)}
        )
        return list(versions)


async def arrive(listener: Listener, subject: UUID, count: int) -> list[int]:
    """Wait for so many messages; gives their versions."""

    async def arrived() -> bool:
        return len(listener.about(subject)) >= count

    await eventually(arrived, f"{count} events about {subject}")
    return [json.loads(message.body)["version"] for message in listener.about(subject)]


async def test_what_is_committed_late_is_told_though_later_rows_have_left(
    installation: Installation, database: Database
) -> None:
    """The row of the later transaction has the earlier position, and is seen last: no cursor finds it."""
    late, early = uuid4(), uuid4()
    async with listening(installation, KEY) as listener, running(relay(installation).run()):
        async with database.transaction() as first:
            await first.execute(text("SELECT pg_current_xact_id()"))
            async with database.transaction() as second:
                await outbox.record(second, balance_changed(late, 1))
                await outbox.record(first, balance_changed(early, 1))
                await first.commit()
                await arrive(listener, early, 1)
        assert await arrive(listener, late, 1) == [1]


async def test_a_relay_that_is_told_to_stop_archives_what_it_has_told(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the next one would tell it again."""
    monkeypatch.setattr("shared.relay.ARCHIVE_SECONDS", 100)
    customer_id, sent = uuid4(), sent_total.labels(KEY)._value
    before = sent.get()
    async with running(relay(installation).run()):
        await tell(database, balance_changed(customer_id, 1))
        await eventually(lambda: _is(sent.get() > before), "the broker confirms it")
        assert await unsent(database, customer_id) == [1]
    assert await unsent(database, customer_id) == []


async def _is(so: bool) -> bool:
    return so


async def test_of_two_relays_one_stands_by(installation: Installation, database: Database) -> None:
    customer_id, both = uuid4(), [relay(installation), relay(installation)]
    begun = time.monotonic()
    async with listening(installation, KEY) as listener, running(*(each.run() for each in both)):
        await eventually(lambda: _is(all(each.turned_at > begun for each in both)), "both are there")
        for version in range(1, 101):
            await tell(database, balance_changed(customer_id, version))
        await arrive(listener, customer_id, 100)
        await eventually(lambda: _nothing_is_left(database, customer_id), "an empty outbox")
        versions = await arrive(listener, customer_id, 100)
    assert versions == list(range(1, 101))


async def _nothing_is_left(database: Database, subject: UUID) -> bool:
    return await unsent(database, subject) == []


class Unheard(BalanceChanged, routing_key="billing.unheard.v2", aggregate="account", subject="customer_id"):
    """An account's event whose listener's queue is missing at first."""


async def test_what_follows_an_event_that_came_back_waits_for_it(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.LISTENED_TO", frozenset({Unheard.routing_key}))
    customer_id, before = uuid4(), unroutable_total._value.get()
    unheard = Unheard(**balance_changed(customer_id, 1).model_dump())
    async with database.transaction() as session:
        await outbox.record_all(session, [unheard, balance_changed(customer_id, 2)])

    async def came_back() -> bool:
        return bool(unroutable_total._value.get() >= before + 2)

    async with taking(installation, KEY) as early:
        async with running(relay(installation).run()):
            await eventually(came_back, "the broker returned it twice")
            assert await unsent(database, customer_id) == [1, 2]
            everything = (KEY, Unheard.routing_key)
            async with listening(installation, *everything) as listener, taking(installation, *everything):
                assert await arrive(listener, customer_id, 2) == [1, 2]
        assert await early.get(fail=False)


async def test_a_cancellation_that_nobody_asked_for_does_not_end_the_relay(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a frozen broker's connection dies."""
    customer_id, deaths, lead = uuid4(), 0, Relay._lead

    async def die_at_first(self: Relay, *args: Any) -> None:
        nonlocal deaths
        deaths += 1
        if deaths == 1:
            raise asyncio.CancelledError
        await lead(self, *args)

    monkeypatch.setattr(Relay, "_lead", die_at_first)
    async with listening(installation, KEY) as listener, running(relay(installation).run()):
        await tell(database, balance_changed(customer_id, 1))
        assert await arrive(listener, customer_id, 1) == [1]


async def test_a_relay_that_was_frozen_while_another_led_publishes_nothing_more(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.SILENT_SECONDS", 3)
    customer_id, thaw, tell_everybody = uuid4(), asyncio.Event(), Relay._tell_everybody
    frozen, other = relay(installation), relay(installation)
    frozen_has_some, woke = asyncio.Event(), asyncio.Event()

    async def tell_when_it_is_not_frozen(self: Relay, *args: Any) -> Any:
        if self is not frozen:
            return await tell_everybody(self, *args)
        frozen_has_some.set()
        await thaw.wait()
        try:
            return await tell_everybody(self, *args)
        finally:
            woke.set()

    monkeypatch.setattr(Relay, "_tell_everybody", tell_when_it_is_not_frozen)
    async with listening(installation, KEY) as listener, running(frozen.run()):
        await tell(database, balance_changed(customer_id, 1))
        await frozen_has_some.wait()
        async with running(other.run()):
            await tell(database, balance_changed(customer_id, 2))
            assert await arrive(listener, customer_id, 2) == [1, 2]
            thaw.set()
            await woke.wait()
            await tell(database, balance_changed(customer_id, 3))
            assert await arrive(listener, customer_id, 3) == [1, 2, 3]
