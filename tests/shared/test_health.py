"""An outage is visible: each fault moves its metric and is said in a sentence, and both come back when it is over."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import httpx2 as httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.engine import make_url

from services.billing import worker
from services.billing.queries import count_untold_payments
from services.orders.queries import count_overpaid
from shared.contracts.billing import OrderPaid
from shared.db import Database
from shared.health import Health
from shared.relay import Relay
from shared.settings import WorkerSettings
from shared.watching import MOST_COUNTED, relay_check, watch_broker, watch_outbox
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.link import Link, linked
from tests.shared.conftest import listening, running

UNHEARD = "billing.unheard.v1"
TELL = """
    INSERT INTO outbox (event_id, aggregate, subject, version, routing_key, at, body)
    VALUES (gen_random_uuid(), 'test', :subject, 1, :routing_key, :at, '{}')
"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks, more of them."""
    monkeypatch.setattr("shared.watching.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("shared.watching.AGAIN_SECONDS", 0.05)


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def becomes(name: str, value: float, **labels: str) -> None:
    async def look() -> bool:
        return metric(name, **labels) == value

    await eventually(look, f"{name} = {value}")


async def says(health: Health, name: str, sentence: str) -> None:
    """Or nothing any more, where the sentence is empty."""

    async def look() -> bool:
        await health.reasons()
        told = health.obstacles.get(name) or health.warnings.get(name) or ""
        return told == sentence or bool(sentence and told.startswith(sentence))

    await eventually(look, f"{name}: {sentence or 'nothing'}")


async def tell(database: Database, routing_key: str, seconds_ago: float = 0) -> str:
    subject, at = str(uuid4()), datetime.now(UTC) - timedelta(seconds=seconds_ago)
    async with database.transaction() as session:
        await session.execute(text(TELL), {"subject": subject, "routing_key": routing_key, "at": at})
    return subject


async def forget(database: Database, *subjects: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM outbox WHERE subject = ANY(:subjects)"), {"subjects": list(subjects)})


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


async def test_a_relay_that_does_not_turn_is_one_too(
    database: Database, billing_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It looks once a second.
    monkeypatch.setattr("shared.watching.TURN_SECONDS", 2.0)
    with billing_worker.broker.cut():
        # Without anything to tell, it does not miss the broker.
        await tell(database, "billing.balance_changed.v1")
        await billing_worker.is_hindered_by(relay="The relay has not turned for 2 s.")
        assert (metric("purser_relay_heartbeat_age_seconds", service="billing") or 0) > 2
    await eventually(billing_worker.is_ready, "ready again")
    assert (metric("purser_relay_heartbeat_age_seconds", service="billing") or 9) < 2


async def test_an_event_that_no_queue_takes_is_a_warning_of_a_worker_that_serves(
    installation: Installation, database: Database, billing_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.LISTENED_TO", frozenset({UNHEARD}))
    await tell(database, UNHEARD, seconds_ago=312)

    async def warned() -> bool:
        answer = await billing_worker.http.get("/readyz")
        told = " ".join(answer.json()["warnings"])
        late = "The oldest event in the outbox of billing has waited for 31" in told
        return answer.status_code == 200 and late and f"No queue takes {UNHEARD}: 1 aggregates wait." in told

    await eventually(warned, "two warnings")
    assert (metric("purser_outbox_oldest_seconds", service="billing") or 0) >= 312
    assert (metric("purser_outbox_waiting", service="billing") or 0) >= 1
    assert metric("purser_outbox_stuck_aggregates", service="billing") == 1
    async with listening(installation, UNHEARD):
        await becomes("purser_outbox_stuck_aggregates", 0, service="billing")
    await becomes("purser_outbox_oldest_seconds", 0, service="billing")

    async def quiet() -> bool:
        return "outbox" not in " ".join((await billing_worker.http.get("/readyz")).json()["warnings"])

    await eventually(quiet, "no warning any more")


async def test_a_queue_that_nobody_listens_to_and_one_that_is_missing_hinder(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, queue = Health({}), "support.on.billing.order_paid.v1"
    async with running(watch_broker("support", installation.broker_url("support"), health, health.obstacles)):
        await says(health, queue, f"Nobody listens to {queue}.")
        await becomes("purser_queue_consumers", 0, queue=queue)
        async with await aio_pika.connect(installation.broker_url("support")) as connection:
            channel = await connection.channel()
            await channel.set_qos(1)
            await (await channel.get_queue(queue, ensure=False)).consume(asyncio.Queue[object]().put)
            await says(health, queue, "")
            await becomes("purser_queue_consumers", 1, queue=queue)
        await says(health, queue, f"Nobody listens to {queue}.")
        monkeypatch.setattr("shared.watching.queue_name", lambda *_: "support.on.nothing")
        await says(health, "support.on.nothing", "The broker has no queue support.on.nothing: load its definitions")


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


async def test_payments_that_do_not_settle_are_counted_and_after_a_while_a_warning(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health({})
    async with running(watch_outbox("billing", database, health, count_untold_payments)):
        await becomes("purser_unsettled_payments", 0, service="billing")
        subject = await tell(database, OrderPaid.routing_key)
        await becomes("purser_unsettled_payments", 1, service="billing")
        assert "unsettled" not in health.warnings
        monkeypatch.setattr("shared.watching.LATE_SECONDS", 0.1)
        await says(health, "unsettled", "1 payments or refunds have not settled for 0 s: `purser reconcile`")
        await forget(database, subject)
        await becomes("purser_unsettled_payments", 0, service="billing")
        await says(health, "unsettled", "")


async def test_an_order_paid_beyond_its_total_is_unsettled_until_billing_gives_back(
    installation: Installation,
) -> None:
    orders, customer = Database(installation.database_url("orders")), UUID(int=7)
    try:
        async with orders.transaction() as session:
            before = await count_overpaid(session, MOST_COUNTED)
            await session.execute(
                text(
                    "INSERT INTO customers (id, login, name, phone, email, shipping_address)"
                    " VALUES (:id, 'overpaid', 'A', '1', 'a@example.org', 'X') ON CONFLICT DO NOTHING"
                ),
                {"id": customer},
            )
            await session.execute(
                text(
                    "INSERT INTO orders (customer_id, status, currency, delivery_minor, total_minor, paid_minor,"
                    " shipping_address, version) VALUES (:id, 'cancelled', 'USD', 0, 0, 5, 'X', 2)"
                ),
                {"id": customer},
            )
            assert await count_overpaid(session, MOST_COUNTED) == before + 1
            await session.rollback()
    finally:
        await orders.close()


async def test_a_relay_that_never_reached_its_broker_is_seen_to_stand(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.watching.TURN_SECONDS", 0.2)
    relay, health = Relay("support", installation.database_url("support"), "amqp://x:x@127.0.0.1:1/none"), Health({})
    health.checks["relay"] = relay_check(relay, health)
    async with running(relay.run()):

        async def seen() -> bool:
            return (await health.reasons()).get("relay", "").startswith("The relay has not turned for")

        await eventually(seen, "it stands")
