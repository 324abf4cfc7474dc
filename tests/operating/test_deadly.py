"""What the process dies of is given up; what was only in hand then is not."""

import asyncio
import signal
import sys
from contextlib import suppress
from functools import partial
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
from shared.envelope import batch_of
from shared.settings import WorkerSettings
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.operating.conftest import QUEUE, Purser
from tests.process import ROOT

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
