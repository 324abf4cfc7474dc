"""However a wire between a worker and its database or its broker breaks: all goes on soon after it is whole."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from faststream.rabbit import RabbitBroker
from sqlalchemy.engine import make_url

from services.billing import worker
from shared import listening as staying
from shared import outbox
from shared.contracts.orders import OrderFacts
from shared.db import Database
from shared.relay import Relay
from shared.settings import WorkerSettings
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.link import Link, linked
from tests.shared.conftest import Listener, Orders, balance_changed, invoices, listening

KEY = "billing.balance_changed.v1"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, sooner."""
    for limit in (
        "db.DEAD_AFTER_SECONDS",
        "delivery.UNREACHABLE_SECONDS",
        "listening.LOOK_SECONDS",
        "listening.ANSWER_SECONDS",
        "listening.HEARTBEAT_SECONDS",
        "relay.ANSWER_SECONDS",
        "publishing.ANSWER_SECONDS",
    ):
        monkeypatch.setattr(f"shared.{limit}", 1)
    # A relay looks once a second, and must not lose its lock in between.
    monkeypatch.setattr("shared.relay.SILENT_SECONDS", 3)


@dataclass
class Wires:
    broker: Link
    database: Link


@pytest.fixture
async def wires(installation: Installation, impatient: None) -> AsyncIterator[Wires]:
    """Those of a billing-worker that runs."""
    urls = [make_url(url) for url in (installation.broker_url("billing"), installation.database_url("billing"))]
    [to_broker, to_database] = [linked(url.host or "", url.port or 0) for url in urls]
    async with to_broker as broker, to_database as database:
        near = [
            url.set(host="127.0.0.1", port=link.local_port).render_as_string(hide_password=False)
            for url, link in zip(urls, (broker, database), strict=True)
        ]
        async with serving(worker.create(settings(WorkerSettings, broker_url=near[0], database_url=near[1]))):
            yield Wires(broker, database)


@dataclass
class Traffic:
    """News for billing, and of billing, told beside the wires."""

    customer: Customer
    orders: Orders
    listener: Listener
    heard: list[OrderFacts] = field(default_factory=list)
    told: list[UUID] = field(default_factory=list)

    async def add(self) -> None:
        await self.hear()
        await self.tell()

    async def hear(self) -> None:
        order = self.customer.order(100)
        self.heard.append(order)
        await self.orders.tell(order.model_dump_json().encode(), str(uuid4()))

    async def tell(self) -> None:
        subject = uuid4()
        self.told.append(subject)
        async with self.customer.database.transaction() as session:
            await outbox.record(session, balance_changed(subject, 1))

    async def has_passed(self) -> bool:
        taken = [await invoices(self.customer.database, order) for order in self.heard]
        return all(taken) and all(self.listener.about(subject) for subject in self.told)


@pytest.fixture
async def traffic(installation: Installation, database: Database, orders: Orders) -> AsyncIterator[Traffic]:
    async with listening(installation, KEY) as listener:
        yield Traffic(Customer(database), orders, listener)


@contextmanager
def broken_in_the_middle(link: Link) -> Iterator[None]:
    link.cut_after(777)
    yield


FAULTS: dict[str, Callable[[Link], AbstractContextManager[None]]] = {
    "cut": Link.cut,
    "silent": Link.silent,
    "slow": lambda link: link.slow(latency_seconds=0.3, bytes_per_second=20_000),
    "mid-frame": broken_in_the_middle,
}


@pytest.mark.parametrize("which", ["broker", "database"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_all_news_passes_soon_after_a_wire_is_whole_again(
    wires: Wires, traffic: Traffic, which: str, fault: str
) -> None:
    await traffic.add()
    await eventually(traffic.has_passed, "news passes at first")
    with FAULTS[fault](getattr(wires, which)):
        await traffic.add()
        await asyncio.wait([asyncio.create_task(eventually(traffic.has_passed, "news passes"))], timeout=0.5)
    await traffic.add()
    await eventually(traffic.has_passed, f"news passes once the wire to the {which} is whole")


async def test_a_relay_whose_wire_falls_silent_as_it_archives_for_the_first_time_loses_its_lock(
    wires: Wires, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncpg prepares a statement without ending the request: PostgreSQL waits for the rest as long as the wire seems
    whole, and no limit of its own counts meanwhile. So only the relay works here: the transaction of a consumer that
    is just preparing one would hold its locks until PostgreSQL's keepalives find out, and this wire answers those."""
    publish, lost = Relay._publish, False

    async def publish_and_lose_the_wire(self: Relay, *args: Any) -> Any:
        nonlocal lost
        published = await publish(self, *args)
        if published[0] and not lost:
            lost = True
            wires.database.silent_after_next()
        return published

    monkeypatch.setattr(Relay, "_publish", publish_and_lose_the_wire)
    await traffic.tell()
    await eventually(traffic.has_passed, "news passes at first")
    await traffic.tell()
    await eventually(traffic.has_passed, "news passes again")


async def test_a_worker_listens_again_when_what_is_lost_is_closed_by_a_cancellation_that_nobody_asked_for(
    wires: Wires, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a frozen broker's connection dies, also while it is being closed."""
    closed, close = asyncio.Event(), staying._let_go

    async def die(broker: RabbitBroker) -> None:
        await close(broker)
        closed.set()
        raise asyncio.CancelledError

    monkeypatch.setattr(staying, "_let_go", die)
    await traffic.add()
    await eventually(traffic.has_passed, "news passes at first")
    with wires.broker.cut():
        await closed.wait()
    await traffic.add()
    await eventually(traffic.has_passed, "news passes again")


async def test_a_worker_outlives_a_broker_that_is_frozen_longer_than_the_heartbeat(
    wires: Wires, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the heartbeat notices: its end cancels whoever waits for an answer."""
    for limit in (
        "listening.LOOK_SECONDS",
        "listening.ANSWER_SECONDS",
        "relay.ANSWER_SECONDS",
        "publishing.ANSWER_SECONDS",
    ):
        monkeypatch.setattr(f"shared.{limit}", 100)
    await traffic.add()
    await eventually(traffic.has_passed, "news passes at first")
    with wires.broker.silent():
        await traffic.add()
        await asyncio.sleep(0)
    # aiormq gives a connection up after 18 s: three times a heartbeat of 5 and one more.
    await eventually(traffic.has_passed, "news passes again", seconds=40)
