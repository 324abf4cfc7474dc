"""What cannot be taken is kept and holds up nobody; once its listener is mended it takes effect, once."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import consumers, worker
from services.billing.commands.update_invoice import update_invoice
from shared.contracts.orders import OrderFacts, OrderPlaced
from shared.db import Database
from shared.effects import repeats_total
from shared.envelope import batch_of
from shared.settings import WorkerSettings
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.operating.conftest import Purser
from tests.process import ROOT

QUEUE = "billing.on.orders.order_placed.v1"
# Twice with its batch; then alone, with a death for each copy that was sent apart before its batch was acknowledged.
MOST_DEATHS = 10
# Billing's listener, which an order of this number kills.
PROGRAM = """
import asyncio, os, signal, sys
from functools import partial
from services.billing import consumers
from shared.db import Database
from shared.listening import keep_listening

database_url, broker_url, deadly = sys.argv[1:]
update_invoice = consumers.update_invoice

async def die_of_it(session, event, line=None):
    if event.order_number == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    await update_invoice(session, event, line)

consumers.update_invoice = die_of_it
subscribe = partial(consumers.reactions.subscribe, Database(database_url))
asyncio.run(keep_listening(broker_url, subscribe, asyncio.Event()))
"""


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    database = Database(installation.database_url("billing"))
    yield database
    await database.close()


async def test_poison_of_all_kinds_is_kept_and_the_mended_kind_takes_effect_once(
    installation: Installation,
    database: Database,
    channel: AbstractChannel,
    purser_command: Purser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.01, 0.02, 0.03, 0.04))
    exchange, customer, tries = await channel.get_exchange("purser.batches"), Customer(database), Counter[str]()
    sick, good = customer.order(100), [customer.order(amount) for amount in range(1, 21)]

    async def with_a_bug(session: AsyncSession, event: OrderFacts, line: int | None = None) -> None:
        tries[event.order_number] += 1
        if event.order_number == sick.order_number:
            raise RuntimeError("a bug")
        await update_invoice(session, event, line)

    async def tell(body: bytes, event_type: str = OrderPlaced.routing_key) -> str:
        event_id = str(uuid4())
        headers: dict[str, aio_pika.abc.FieldValue] = {"ce-id": event_id, "ce-type": event_type}
        message = aio_pika.Message(body, headers=headers, message_id=event_id)
        await exchange.publish(message, OrderPlaced.routing_key, timeout=5)
        return event_id

    async def invoices(*orders: OrderFacts) -> int:
        async with database.transaction() as session:
            wanted = {"numbers": [order.order_number for order in orders]}
            query = text("SELECT count(*) FROM invoices WHERE order_number = ANY(:numbers)")
            return int(await session.scalar(query, wanted) or 0)

    async def dead() -> dict[str, str]:
        lines = (await purser_command("dead-letters", "list", "--queue", QUEUE, "--limit", "1000")).output.splitlines()
        return {line.split()[0]: why.strip() for line, why in pairwise(lines) if " since " in line}

    async def replayed(why: str) -> bool:
        # What the command before had in hand is back a moment after its end.
        return (await purser_command("dead-letters", "replay", sick_id, "--why", why)).exit_code == 0

    monkeypatch.setattr(consumers, "update_invoice", with_a_bug)
    urls = {"database_url": installation.database_url("billing"), "broker_url": installation.broker_url("billing")}
    async with serving(worker.create(settings(WorkerSettings, **urls))):
        valid = sick.model_dump_json().encode()
        bad = {
            await tell(b"\xff no JSON"): "not a valid OrderPlaced: json_invalid",
            await tell(
                valid.replace(b'"total_minor":100', b'"total_minor":-1')
            ): "not a valid OrderPlaced: total_minor",
            await tell(valid, "orders.order_exploded.v1"): "not a valid event: its ce-type is not",
            await tell(valid, "orders.order_placed.v9"): "not a valid event: its ce-type is not",
            (sick_id := await tell(valid)): "RuntimeError in tests/operating/test_poison.py:",
        }
        for order in good:
            await tell(order.model_dump_json().encode())

        async def others_have_passed() -> bool:
            return await invoices(*good) == len(good)

        await eventually(others_have_passed, "the good ones' invoices")

        kept: dict[str, str] = {}

        async def all_are_kept() -> bool:
            kept.update(await dead())
            return bad.keys() <= kept.keys()

        await eventually(all_are_kept, "all of the bad ones as dead letters")
        assert all(kept[event_id].startswith(why) for event_id, why in bad.items()), kept
        assert (tries[sick.order_number], set(tries.values()) - {5}) == (5, {1})
        assert await invoices(sick) == 0

        monkeypatch.setattr(consumers, "update_invoice", update_invoice)
        await eventually(partial(replayed, "mended"), "it is replayed")

        async def took_effect() -> bool:
            return await invoices(sick) == 1

        await eventually(took_effect, "its invoice")
        assert (await purser_command("dead-letters", "replay", sick_id)).exit_code == 1
        repeated = repeats_total.labels(QUEUE)._value.get()
        copy = aio_pika.Message(valid, headers={"ce-id": sick_id, "ce-type": OrderPlaced.routing_key})
        copy.message_id = sick_id
        await (await channel.get_exchange("purser.dead_letters")).publish(copy, QUEUE, timeout=5)
        await eventually(partial(replayed, "once more"), "it is replayed again")

        async def refused_by_the_inbox() -> bool:
            return bool(repeats_total.labels(QUEUE)._value.get() > repeated)

        await eventually(refused_by_the_inbox, "the second replay")
        assert await invoices(sick) == 1
    assert (await purser_command("dead-letters", "discard", *bad.keys() - {sick_id}, "--why", "poison")).exit_code == 0
    assert not bad.keys() & (await dead()).keys()


async def test_an_event_on_which_the_process_dies_is_given_up_and_costs_those_that_came_with_it_nothing(
    installation: Installation, database: Database, channel: AbstractChannel, purser_command: Purser
) -> None:
    customer = Customer(database)
    orders = [customer.order(amount) for amount in range(1, 12)]
    deadly, good = orders[5], orders[:5] + orders[6:]
    rows = [
        {
            "event_id": uuid4(), "routing_key": order.routing_key, "subject": order.subject, "at": order.at,
            "correlation_id": None, "body": order.model_dump_json(),
        }
        for order in orders
    ]  # fmt: skip
    letter = str(rows[5]["event_id"])
    exchange = await channel.get_exchange("purser.batches")
    await exchange.publish(batch_of("orders", rows), OrderPlaced.routing_key, timeout=5)

    async def has(*wanted: OrderFacts) -> bool:
        async with database.transaction() as session:
            numbers = {"numbers": [order.order_number for order in wanted]}
            query = text("SELECT count(*) FROM invoices WHERE order_number = ANY(:numbers)")
            return bool(await session.scalar(query, numbers) == len(wanted))

    async def dead() -> str:
        return (await purser_command("dead-letters", "list", "--queue", QUEUE, "--limit", "1000")).output

    urls = {"database_url": installation.database_url("billing"), "broker_url": installation.broker_url("billing")}

    async def start() -> asyncio.subprocess.Process:
        told = (PROGRAM, *urls.values(), deadly.order_number)
        return await asyncio.create_subprocess_exec(sys.executable, "-c", *told, cwd=ROOT)

    deaths, process = 0, await start()

    async def is_given_up() -> bool:
        nonlocal deaths, process
        if process.returncode is not None:
            assert process.returncode == -signal.SIGKILL
            deaths += 1
            process = await start()
        return letter in await dead()

    try:
        await eventually(is_given_up, "it is given up", seconds=60)
        await eventually(partial(has, *good), "the others have taken effect")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert 5 <= deaths <= MOST_DEATHS
    assert "its worker ended each of the 5 times that it was tried alone" in await dead()
    assert not await has(deadly)

    async def is_replayed() -> bool:
        return (await purser_command("dead-letters", "replay", letter, "--why", "mended")).exit_code == 0

    async with serving(worker.create(settings(WorkerSettings, **urls))):
        await eventually(is_replayed, "it is replayed")
        await eventually(partial(has, deadly), "the mended listener takes it")


async def test_what_was_in_hand_whenever_a_worker_was_killed_and_never_begun_is_not_given_up(
    installation: Installation, database: Database, channel: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, event_id, begun = Customer(database).order(100), str(uuid4()), asyncio.Event()
    urls = {"database_url": installation.database_url("billing"), "broker_url": installation.broker_url("billing")}
    headers: dict[str, aio_pika.abc.FieldValue] = {"ce-id": event_id, "ce-type": OrderPlaced.routing_key}
    message = aio_pika.Message(order.model_dump_json().encode(), headers=headers, message_id=event_id)
    await (await channel.get_exchange("purser.batches")).publish(message, OrderPlaced.routing_key, timeout=5)

    async def deliveries_before() -> int:
        """As the next worker sees it, which is killed at once."""
        async with await aio_pika.connect(urls["broker_url"]) as connection:
            queue = await (await connection.channel()).get_queue(QUEUE, ensure=False)
            in_hand = await queue.get(timeout=5, fail=False)
            return int(str(in_hand.headers.get("x-delivery-count", 0))) if in_hand else 0

    async def has_come_ten_times() -> bool:
        return await deliveries_before() >= 9

    async def hangs(session: AsyncSession, event: OrderFacts, line: int | None = None) -> None:
        begun.set()
        await asyncio.Event().wait()

    await eventually(has_come_ten_times, "ten workers are killed")
    monkeypatch.setattr(consumers, "update_invoice", hangs)
    async with serving(worker.create(settings(WorkerSettings, **urls))):
        await asyncio.wait_for(begun.wait(), 5)

    async def has_come_back() -> bool:
        return await deliveries_before() in range(1, 9)

    await eventually(has_come_back, "the broker has begun to count anew")

    async def takes_effect() -> bool:
        async with database.transaction() as session:
            query = text("SELECT count(*) FROM invoices WHERE order_number = :number")
            return bool(await session.scalar(query, {"number": order.order_number}) == 1)

    monkeypatch.setattr(consumers, "update_invoice", update_invoice)
    async with serving(worker.create(settings(WorkerSettings, **urls))):
        await eventually(takes_effect, "it takes effect")
