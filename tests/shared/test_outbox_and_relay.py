"""A change and its news are one transaction; every committed piece of news arrives, in order."""

import asyncio
import json
from uuid import UUID, uuid4

import aio_pika
import pytest
from aiormq.exceptions import ChannelAccessRefused
from sqlalchemy import text

from shared import outbox
from shared.contracts.billing import BalanceChanged
from shared.db import Database
from shared.envelope import batches
from shared.relay import Relay, unroutable_total
from tests.eventually import eventually
from tests.installation import Installation
from tests.shared.conftest import balance_changed, listening, running, taking

KEY = "billing.balance_changed.v1"


def relay(installation: Installation, broker_url: str = "") -> Relay:
    return Relay("billing", installation.database_url("billing"), broker_url or installation.broker_url("billing"))


async def tell(database: Database, customer_id: UUID, version: int) -> None:
    async with database.transaction() as session:
        await outbox.record(session, balance_changed(customer_id, version))


async def unsent(database: Database, subject: object) -> int:
    async with database.transaction() as session:
        count = await session.scalar(text("SELECT count(*) FROM outbox WHERE subject = :s"), {"s": str(subject)})
        return int(count or 0)


async def test_a_rolled_back_change_is_not_told(installation: Installation, database: Database) -> None:
    customer_id = uuid4()
    database.told.clear()
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            await outbox.record(session, balance_changed(customer_id, 1))
            raise ZeroDivisionError
    assert await unsent(database, customer_id) == 0
    assert not database.told.is_set()


async def test_one_version_of_an_aggregate_cannot_be_told_twice(database: Database) -> None:
    customer_id = uuid4()
    with pytest.raises(Exception, match="uq_outbox_aggregate_subject_version"):
        async with database.transaction() as session:
            await outbox.record(session, balance_changed(customer_id, 1))
            await outbox.record(session, balance_changed(customer_id, 1))


async def test_events_arrive_as_cloudevents_in_the_order_of_their_versions(
    installation: Installation, database: Database
) -> None:
    customer_id = uuid4()
    async with listening(installation, KEY) as listener, running(relay(installation).run()):
        for version in range(1, 21):
            await tell(database, customer_id, version)

        async def arrived() -> bool:
            return len(listener.about(customer_id)) >= 20

        await eventually(arrived, "20 events")
    messages = listener.about(customer_id)
    assert [json.loads(message.body)["version"] for message in messages] == list(range(1, 21))
    assert len({message.headers["ce-id"] for message in messages}) == 20
    first = messages[0]
    assert (first.headers["ce-type"], first.headers["ce-source"], first.routing_key) == (KEY, "/billing", KEY)
    assert first.content_type == "application/json"
    assert first.delivery_mode == 2
    assert await unsent(database, customer_id) == 0


async def test_a_relay_in_the_same_process_is_woken_without_postgresql_while_it_leads(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_id, near = uuid4(), relay(installation)
    assert not near.ring()

    async def leads() -> bool:
        return near.ring()

    async with listening(installation, KEY) as listener, running(near.run()):
        await eventually(leads, "it leads")
        monkeypatch.setattr("shared.relay.LOOK_SECONDS", 3600.0)
        near.ring()
        ringing = asyncio.create_task(outbox.ring(database, near=near.ring))
        await tell(database, customer_id, 1)

        async def arrived() -> bool:
            return bool(listener.about(customer_id))

        await eventually(arrived, "the event")
        ringing.cancel()
    assert not near.ring()


async def test_what_is_told_at_one_time_comes_to_our_own_queues_in_one_message(
    installation: Installation, database: Database
) -> None:
    customers = [uuid4() for _ in range(30)]
    async with database.transaction() as session:
        await outbox.record_all(session, [balance_changed(customer_id, 1) for customer_id in customers])
    async with listening(installation, KEY) as listener, taking(installation, KEY) as queue:
        async with running(relay(installation).run()):

            async def arrived() -> bool:
                return len(listener.heard) >= len(customers)

            await eventually(arrived, "each as an event of its own")
        together, more = [await queue.get(fail=False) for _ in range(2)]
    assert together is not None
    assert more is None
    assert (together.content_type, together.delivery_mode) == ("application/cloudevents-batch+json", 2)
    events = json.loads(together.body)
    assert [event["subject"] for event in events] == list(map(str, customers))
    for event, alone in zip(events, listener.heard, strict=True):
        data = event.pop("data")
        assert data == json.loads(alone.body)
        headers = {name.removeprefix("ce-"): value for name, value in alone.headers.items()}
        assert {name: value for name, value in event.items() if value is not None} == headers


def test_a_message_holds_100_events_and_200_kb_at_most() -> None:
    small, large = [{"routing_key": KEY, "body": "x" * size} for size in (10, 90_000)]
    assert [len(batch) for batch in batches([small] * 220)] == [100, 100, 20]
    assert [len(batch) for batch in batches([large] * 5)] == [2, 2, 1]
    assert [len(batch) for batch in batches([small, {**small, "routing_key": "another"}] * 2)] == [2, 2]


async def test_what_was_sent_is_kept_in_the_archive(installation: Installation, database: Database) -> None:
    customer_id = uuid4()
    await tell(database, customer_id, 1)
    async with running(relay(installation).run()):

        async def archived() -> bool:
            async with database.transaction() as session:
                found = await session.scalars(
                    text("SELECT version FROM outbox_archive WHERE subject = :s"), {"s": str(customer_id)}
                )
                return found.all() == [1]

        await eventually(archived, "the event in the archive")
    assert await unsent(database, customer_id) == 0


async def test_of_two_relays_one_stands_by_and_takes_over(installation: Installation, database: Database) -> None:
    customer_id = uuid4()
    async with listening(installation, KEY) as listener:
        first = asyncio.create_task(relay(installation).run())
        async with running(relay(installation).run()):
            for version in range(1, 101):
                await tell(database, customer_id, version)
                if version == 50:
                    first.cancel()

            async def arrived() -> bool:
                return len({message.headers["ce-id"] for message in listener.about(customer_id)}) == 100

            await eventually(arrived, "100 events, though one relay ended")
    versions = [json.loads(message.body)["version"] for message in listener.about(customer_id)]
    assert list(dict.fromkeys(versions)) == list(range(1, 101))


class Unheard(BalanceChanged, routing_key="billing.unheard.v1", aggregate="unheard", subject="customer_id"):
    """An event whose listener's queue is missing at first."""


async def test_an_event_that_no_queue_takes_stays_and_holds_up_nobody_else(
    installation: Installation, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.LISTENED_TO", frozenset({Unheard.routing_key}))
    stuck, other, before = uuid4(), uuid4(), unroutable_total._value.get()
    for version in (1, 2):
        async with database.transaction() as session:
            await outbox.record(session, Unheard(**balance_changed(stuck, version).model_dump()))

    async def came_back() -> bool:
        return bool(unroutable_total._value.get() > before)

    async with running(relay(installation).run()):
        await eventually(came_back, "the broker returned it")
        everything = (KEY, Unheard.routing_key)
        async with listening(installation, *everything) as listener, taking(installation, *everything):
            await tell(database, other, 1)

            async def arrived() -> bool:
                return bool(listener.about(other)) and len(listener.about(stuck)) == 2

            await eventually(arrived, "all three, once somebody listens")
    assert [json.loads(message.body)["version"] for message in listener.about(stuck)] == [1, 2]


async def test_a_relay_outlives_a_broker_that_is_not_there(installation: Installation, database: Database) -> None:
    customer_id = uuid4()
    nowhere = relay(installation, "amqp://nobody:nothing@127.0.0.1:1/none")
    task = asyncio.create_task(nowhere.run())
    await tell(database, customer_id, 1)
    await asyncio.wait([task], timeout=0.5)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await unsent(database, customer_id) == 1


async def test_a_service_cannot_forge_anothers_event(installation: Installation) -> None:
    connection = await aio_pika.connect(installation.broker_url("orders"))
    async with connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange("purser.events", ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await exchange.publish(aio_pika.Message(b"{}"), "billing.order_paid.v1", timeout=5)
