"""An outage is visible: each fault moves its metric and is said in a sentence, and both come back when it is over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aio_pika
import httpx2 as httpx
import pytest
from sqlalchemy.engine import make_url

from services.billing import worker
from shared.db import Database
from shared.health import Health, database_check
from shared.relay import Relay
from shared.settings import WorkerSettings
from shared.watching import relay_check, watch_broker, watch_outbox
from shared.web import web_app
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.link import Link, linked
from tests.shared.conftest import nothing, running, taking
from tests.shared.noticing import becomes, metric, says, tell

UNHEARD = "billing.unheard.v1"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks, more of them."""
    monkeypatch.setattr("shared.watching.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("shared.watching.AGAIN_SECONDS", 0.05)


@dataclass
class Worker:
    """Billing's worker, on wires that can be cut."""

    http: httpx.AsyncClient
    broker: Link
    database: Link

    async def is_ready(self) -> bool:
        return (await self.http.get("/readyz")).status_code == 200

    async def is_hindered_by(self, **reasons: str) -> None:
        """Until then; each reason's sentence begins so."""
        last: dict[str, Any] = {}

        async def look() -> bool:
            answer = await self.http.get("/readyz")
            last.update(answer.json())
            told = last.get("reasons", {})
            return answer.status_code == 503 and all(told.get(n, "").startswith(s) for n, s in reasons.items())

        await eventually(look, f"not ready because {reasons}")
        assert all(sentence in last["detail"] for sentence in last["reasons"].values())


@pytest.fixture
async def billing_worker(installation: Installation) -> AsyncIterator[Worker]:
    broker_at, database_at = (
        make_url(installation.broker_url("billing")),
        make_url(installation.database_url("billing")),
    )
    async with (
        linked(broker_at.host or "", broker_at.port or 0) as broker,
        linked(database_at.host or "", database_at.port or 0) as database,
    ):
        given = settings(
            WorkerSettings,
            broker_url=broker_at.set(host="127.0.0.1", port=broker.local_port).render_as_string(False),
            database_url=database_at.set(host="127.0.0.1", port=database.local_port).render_as_string(False),
        )
        async with serving(worker.create(given)) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
            made = Worker(http, broker, database)
            await eventually(made.is_ready, "the worker is ready")
            yield made


async def test_a_broker_or_a_database_that_is_away_is_a_reason_not_to_be_ready(billing_worker: Worker) -> None:
    with billing_worker.broker.cut():
        await billing_worker.is_hindered_by(broker="The broker cannot be reached")
        await becomes("purser_broker_reached", 0, service="billing")
    await eventually(billing_worker.is_ready, "ready again")
    await becomes("purser_broker_reached", 1, service="billing")
    with billing_worker.database.cut():
        await billing_worker.is_hindered_by(database="The database cannot be reached")
        assert (await billing_worker.http.get("/healthz")).status_code == 200
    await eventually(billing_worker.is_ready, "ready again")


@dataclass
class Own:
    """A relay of one's own, on the gateway's outbox, which no process relays; and what is said of it."""

    database: Database
    broker: Link
    health: Health


@pytest.fixture
async def own(installation: Installation) -> AsyncIterator[Own]:
    database, broker_at = Database(installation.database_url("gateway")), make_url(installation.broker_url("operator"))
    health = Health({"database": database_check(database)})
    async with linked(broker_at.host or "", broker_at.port or 0) as broker:
        near = broker_at.set(host="127.0.0.1", port=broker.local_port).render_as_string(False)
        relay = Relay("gateway", installation.database_url("gateway"), near)
        health.checks["relay"] = relay_check(relay, health)
        async with running(relay.run(), watch_outbox("gateway", database, health)):
            yield Own(database, broker, health)
    await database.close()


async def test_a_relay_that_does_not_turn_is_a_reason_not_to_be_ready(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It looks once a second.
    monkeypatch.setattr("shared.watching.TURN_SECONDS", 2.0)
    with own.broker.cut():
        # Without anything to tell, it does not miss the broker.
        await tell(own.database, "gateway.test.v1")
        await says(own.health, "relay", "The relay has not turned for")
        await eventually(lambda: _heartbeat_is(lambda age: age > 2), "the heartbeat is old")
    await says(own.health, "relay", "")
    await eventually(lambda: _heartbeat_is(lambda age: age < 2), "the heartbeat is young")


async def _heartbeat_is(expected: Callable[[float], bool]) -> bool:
    age = metric("purser_relay_heartbeat_age_seconds", service="gateway")
    return age is not None and expected(age)


async def test_an_event_that_no_queue_takes_is_a_warning_of_a_process_that_serves(
    installation: Installation, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.LISTENED_TO", frozenset({UNHEARD}))
    await tell(own.database, UNHEARD, seconds_ago=310)
    await says(own.health, "outbox", "The oldest event in the outbox of gateway has waited for 3")
    await says(own.health, "stuck", f"No queue takes {UNHEARD}: 1 aggregates wait.")
    async with (
        serving(web_app("A test", nothing, own.health)) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        ready = await http.get("/readyz")
        assert (ready.status_code, len(ready.json()["warnings"])) == (200, 2)
    assert (metric("purser_outbox_oldest_seconds", service="gateway") or 0) >= 310
    assert metric("purser_outbox_waiting", service="gateway") == 1
    assert metric("purser_outbox_stuck_aggregates", service="gateway") == 1
    async with taking(installation, UNHEARD):
        await becomes("purser_outbox_stuck_aggregates", 0, service="gateway")
    await becomes("purser_outbox_oldest_seconds", 0, service="gateway")
    await says(own.health, "outbox", "")
    await says(own.health, "stuck", "")


async def test_a_queue_that_nobody_listens_to_and_one_that_is_missing_hinder(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, queue = Health({}), f"integrator.{uuid4()}"
    monkeypatch.setattr("shared.watching.queue_name", lambda *_: queue)
    async with (
        await aio_pika.connect(installation.broker_url("integrator")) as integrator,
        # From 4.3 on, RabbitMQ tells nobody of a queue that he has no right to: support may ask for its own only.
        running(watch_broker("support", installation.broker_url("operator"), health, health.obstacles)),
    ):
        await says(health, queue, f"The broker has no queue {queue}: load its definitions")
        declared = await (await integrator.channel()).declare_queue(queue, durable=True)
        await says(health, queue, f"Nobody listens to {queue}.")
        await becomes("purser_queue_consumers", 0, queue=queue)
        tag = await declared.consume(asyncio.Queue[object]().put)
        await says(health, queue, "")
        await becomes("purser_queue_consumers", 1, queue=queue)
        await declared.cancel(tag)
        await says(health, queue, f"Nobody listens to {queue}.")
        await declared.delete()


async def test_what_hinders_a_worker_is_a_warning_of_who_can_do_without(installation: Installation) -> None:
    health = Health({})
    async with running(watch_broker("gateway", "amqp://nobody:x@127.0.0.1:1/none", health, health.warnings)):
        await says(health, "broker", "The broker cannot be reached")
        assert await health.reasons() == {}


async def test_dead_letters_are_counted_and_a_warning(installation: Installation) -> None:
    async with await aio_pika.connect(installation.broker_url("operator")) as connection:
        channel = await connection.channel()
        letters = await channel.get_queue("purser.dead_letters", ensure=False)
        await letters.purge()
        health = Health({})
        async with running(watch_broker("billing", installation.broker_url("billing"), health, health.obstacles)):
            await becomes("purser_dead_letters", 0)
            await says(health, "dead_letters", "")
            exchange = await channel.get_exchange("purser.dead_letters", ensure=False)
            await exchange.publish(aio_pika.Message(b"{}"), "nobody", timeout=5)
            await says(health, "dead_letters", "1 dead letter waits: see `purser dead-letters list`.")
            await becomes("purser_dead_letters", 1)
            await letters.purge()
            await says(health, "dead_letters", "")
            await becomes("purser_dead_letters", 0)
