"""`purser replay`: a subscriber that comes late ends with the producer's recount, and nobody else hears of it."""

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from sqlalchemy import text

from deploy.local.home import ROOT
from services.billing import worker
from shared import outbox
from shared.contracts.orders import OrderFacts, OrderPlaced
from shared.db import Database
from shared.effects import repeats_total
from shared.relay import Relay
from shared.settings import WorkerSettings
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.operating.conftest import Purser, Subscriber
from tests.shared.conftest import balance_changed, listening, running

# Dies when five events have reached the queue.
KILLED = """
import os, signal, sys
from deploy.cli import app
from deploy.operating import replay_cli

async def send_and_die(*batch):
    await send(*batch)
    os.kill(os.getpid(), signal.SIGKILL)

send, replay_cli._send, replay_cli.AT_ONCE = replay_cli._send, send_and_die, 5
app(sys.argv[1:])
"""
KEY = "billing.balance_changed.v1"
PLACED = "billing.on.orders.order_placed.v1"


@pytest.fixture
async def databases(installation: Installation) -> AsyncIterator[dict[str, Database]]:
    made = {name: Database(installation.database_url(name)) for name in ("orders", "billing")}
    yield made
    for database in made.values():
        await database.close()


def relay(installation: Installation, service: str) -> Relay:
    return Relay(service, installation.database_url(service), installation.broker_url(service))


def now() -> str:
    return datetime.now(UTC).isoformat()


async def tell(database: Database, customers: list[UUID], version: int) -> None:
    async with database.transaction() as session:
        await outbox.record_all(session, [balance_changed(customer, version) for customer in customers])


async def nothing_waits(database: Database) -> None:
    async def look() -> bool:
        async with database.transaction() as session:
            return not await session.scalar(text("SELECT count(*) FROM outbox"))

    await eventually(look, "an empty outbox")


async def reaches(count: Callable[[], int], enough: int) -> None:
    async def look() -> bool:
        return count() >= enough

    await eventually(look, f"{enough} of them")


def told_of(message: AbstractIncomingMessage) -> tuple[str, int]:
    return str(message.headers["ce-subject"]), int(json.loads(message.body)["version"])


def as_told(message: AbstractIncomingMessage) -> tuple[object, ...]:
    headers = {name: value for name, value in message.headers.items() if name.startswith("ce-")}
    return message.message_id, message.body, headers, message.content_type, message.delivery_mode


async def test_who_joins_under_load_and_asks_for_the_past_misses_nothing_and_knows_what_came_twice(
    installation: Installation,
    databases: dict[str, Database],
    channel: AbstractChannel,
    subscriber: Subscriber,
    purser_command: Purser,
) -> None:
    billing, customers, begun, told = databases["billing"], [uuid4() for _ in range(5)], now(), 0
    enough = asyncio.Event()

    async def load() -> None:
        nonlocal told
        while not enough.is_set():
            await tell(billing, customers, told + 1)
            told += 1

    async with running(relay(installation, "billing").run()), listening(installation, KEY) as other:
        # Ended by a word, not cancelled: a commit that is cancelled may have happened.
        loading = asyncio.create_task(load())
        await reaches(lambda: told, 10)
        queue = await channel.get_queue(subscriber.name, ensure=False)
        await queue.bind("purser.events", KEY)
        done = await purser_command("replay", "--to", subscriber.name, "--from", begun)
        assert done.exit_code == 0, done.output
        await reaches(lambda: told, told + 10)
        enough.set()
        await loading
        await nothing_waits(billing)
        recount = {str(customer): told for customer in customers}

        async def heard_by_the_other() -> bool:
            return all(
                other.about(customer) and told_of(other.about(customer)[-1])[1] == told for customer in customers
            )

        await eventually(heard_by_the_other, "the other's last events")
    taken = [message for message in await subscriber.take_all() if told_of(message)[0] in recount]
    # What a subscriber does: take the newer, ignore the older.
    model, seen = Counter[str](), {told_of(message) for message in taken}
    for subject, version in map(told_of, taken):
        model[subject] = max(model[subject], version)
    assert dict(model) == recount
    assert seen == {(subject, version) for subject in recount for version in range(1, told + 1)}
    # The others were not disturbed, and what was told again is what was told.
    assert max(Counter(message.message_id for message in other.heard).values()) == 1
    first = {message.message_id: as_told(message) for message in other.heard}
    assert all(as_told(message) == first[message.message_id] for message in taken)


async def test_the_past_comes_in_order_and_again_the_same_and_can_be_narrowed(
    installation: Installation, databases: dict[str, Database], subscriber: Subscriber, purser_command: Purser
) -> None:
    billing, customers, begun = databases["billing"], [uuid4() for _ in range(3)], now()
    async with running(relay(installation, "billing").run()):
        for version in range(1, 201):
            await tell(billing, customers, version)
        await nothing_waits(billing)
    until = now()
    # Not sent yet, and in the past all the same.
    await tell(billing, customers, 201)
    try:
        done = await purser_command("replay", "--to", subscriber.name, "--from", begun)
        assert f"603 events to {subscriber.name}" in done.output
        once = await subscriber.take_all()
        for customer in customers:
            about = [told_of(message)[1] for message in once if told_of(message)[0] == str(customer)]
            assert about == list(range(1, 202))
        narrow = ["--from", begun, "--until", until, "--subject", str(customers[0]), "--type", KEY]
        done = await purser_command("replay", "--to", subscriber.name, *narrow)
        assert f"200 events to {subscriber.name}" in done.output
        again = await subscriber.take_all()
        assert {message.message_id for message in again} < {message.message_id for message in once}
    finally:
        async with billing.transaction() as session:
            await session.execute(text("DELETE FROM outbox WHERE subject = ANY(:s)"), {"s": list(map(str, customers))})


async def test_a_queue_that_is_not_there_is_not_made(purser_command: Purser) -> None:
    done = await purser_command("replay", "--to", "integrator.nowhere", "--from", now())
    assert (done.exit_code, "There is no queue integrator.nowhere: subscribe first" in done.output) == (1, True)
    assert (await purser_command("replay", "--to", "purser.dead_letters", "--from", now())).exit_code == 2


async def test_what_a_broker_lost_takes_effect_by_a_replay_that_is_killed_and_begun_again_and_nothing_does_twice(
    installation: Installation, databases: dict[str, Database], channel: AbstractChannel, purser_command: Purser
) -> None:
    orders, billing, begun = databases["orders"], databases["billing"], now()
    customer = Customer(billing)
    delivered, lost = [customer.order(100) for _ in range(3)], [customer.order(100) for _ in range(4)]

    async def place(facts: list[OrderFacts]) -> None:
        async with orders.transaction() as session:
            await outbox.record_all(session, [OrderPlaced(**each.model_dump()) for each in facts])
        async with running(relay(installation, "orders").run()):
            await nothing_waits(orders)

    async def have_invoices(facts: list[OrderFacts]) -> None:
        query = text("SELECT count(*) FROM invoices WHERE order_number = ANY(:numbers)")

        async def look() -> bool:
            async with billing.transaction() as session:
                found = await session.scalar(query, {"numbers": [each.order_number for each in facts]})
                return bool(found == len(facts))

        await eventually(look, f"{len(facts)} invoices")

    urls = {"database_url": installation.database_url("billing"), "broker_url": installation.broker_url("billing")}
    billing_worker = settings(WorkerSettings, **urls)
    async with serving(worker.create(billing_worker)):
        await place(delivered)
        await have_invoices(delivered)
    await place(lost)
    await (await channel.get_queue(PLACED, ensure=False)).purge()
    async with serving(worker.create(billing_worker)):
        repeated = repeats_total.labels(PLACED)._value.get()
        replay = ("replay", "--to", PLACED, "--from", begun)
        killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *replay, cwd=ROOT)
        assert await killed.wait() == -signal.SIGKILL
        await have_invoices(lost[:2])
        done = await purser_command(*replay)
        assert f"7 events to {PLACED}" in done.output
        await have_invoices(lost)

        async def refused() -> bool:
            return bool(repeats_total.labels(PLACED)._value.get() == repeated + 3 + 5)

        await eventually(refused, "the delivered ones, and those of the first replay, refused by the inbox")
