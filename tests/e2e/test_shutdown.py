"""A process that is told to stop does so within five seconds, whatever it is in the middle of, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import aio_pika
import httpx2 as httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.orders import OrderPlaced, OrderStatus
from shared.db import Database
from shared.messaging import BATCHES
from tests.eventually import eventually
from tests.installation import PASSWORD_SECRET
from tests.people import Person, Stream
from tests.process import Process, running_process
from tests.system import System

MOST_SECONDS = 5.0
STREAMS = 20


@asynccontextmanager
async def gateway(purser: System, **services: str) -> AsyncIterator[Process]:
    told = {
        "caller_private_key": purser.installation.private_key,
        "password_secret": PASSWORD_SECRET,
        "cookie_secure": "false",
        **{f"{name}_url": f"http://127.0.0.1:{purser.links[name].local_port}" for name in ("orders", "support")},
        "billing_url": f"http://127.0.0.1:{purser.links['billing'].local_port}",
        **services,
    }
    async with running_process("gateway.app", purser.installation, "gateway", **told) as process:
        yield process


@asynccontextmanager
async def locked(purser: System, customer: Person) -> AsyncIterator[AsyncSession]:
    """Nobody else can move the customer's money."""
    async with purser.databases["billing"].transaction() as session:
        row = {"id": customer.id}
        await session.execute(text("SELECT 1 FROM accounts WHERE id = :id FOR UPDATE"), row)
        yield session


async def waits_for_a_lock(purser: System, at_least: int = 1) -> None:
    async def look() -> bool:
        query = (
            "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool((await purser.rows("billing", query))[0]["n"] >= at_least)

    await eventually(look, f"{at_least} wait for the lock")


async def test_a_gateway_stops_with_streams_open_and_answers_what_it_was_asked(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    async with gateway(purser) as process, httpx.AsyncClient(base_url=process.url, timeout=30) as http:
        http.headers["Authorization"] = customer.http.headers["Authorization"]
        streams = [Stream() for _ in range(STREAMS)]

        async def listen(stream: Stream) -> None:
            async with http.stream("GET", "/api/portal/live", timeout=None) as answer:
                await stream.read(answer)

        listening = [asyncio.create_task(listen(stream)) for stream in streams]
        await asyncio.gather(*(stream.shows("snapshot") for stream in streams))
        number = await purser.new_order(customer, 600)
        async with locked(purser, customer):
            path, headers = f"/api/portal/orders/{number}/payments", {"Idempotency-Key": str(uuid4())}
            paying = asyncio.create_task(http.post(path, json={}, headers=headers))
            await waits_for_a_lock(purser)
            stopping = asyncio.create_task(process.stop())
            await asyncio.gather(*listening)
        assert (await paying).json()["order_status"] == "paid"
        assert await stopping < MOST_SECONDS
    assert (await purser.settled(number))["page"]["status"] == "paid"


async def test_a_gateway_stops_while_a_payment_cannot_go_on_and_says_so(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    async with gateway(purser) as process, httpx.AsyncClient(base_url=process.url, timeout=30) as http:
        http.headers["Authorization"] = customer.http.headers["Authorization"]
        async with locked(purser, customer):
            path, headers = f"/api/portal/orders/{number}/payments", {"Idempotency-Key": str(uuid4())}
            paying = asyncio.create_task(http.post(path, json={}, headers=headers))
            await waits_for_a_lock(purser)
            assert await process.stop() < MOST_SECONDS
        purser.promise.check(await paying)
        assert ((await paying).status_code, (await paying).json()["code"]) == (503, "stopping")


async def test_who_is_told_to_stop_answers_on_the_connections_that_there_are_and_takes_no_more(purser: System) -> None:
    """So nobody's request meets the end of its connection, and a new one is another replica's."""
    api = running_process("services.orders.api", purser.installation, "orders")
    async with api as process, httpx.AsyncClient(base_url=process.url, timeout=30) as kept:
        assert (await kept.get("/readyz")).status_code == 200
        stopping = asyncio.create_task(process.stop())

        async def takes_no_more() -> bool:
            async with httpx.AsyncClient(base_url=process.url, timeout=30) as new:
                try:
                    return not await new.get("/healthz")
                except httpx.NetworkError:  # refused, or reset where it waited to be let in as the door was shut
                    return True

        await eventually(takes_no_more, "it is not to be reached anew")
        answer = await kept.get("/readyz")
        assert (answer.status_code, answer.json()["reasons"]) == (503, {"stopping": "It was told to stop."})
        assert answer.headers["connection"] == "close"
        assert await stopping < MOST_SECONDS


async def test_a_service_stops_while_a_payment_cannot_go_on_and_it_has_not_happened(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    body, key = {"expected_remaining_minor": 600}, str(uuid4())
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(
            running_process("services.billing.api", purser.installation, "billing")
        )
        door = await stack.enter_async_context(gateway(purser, billing_url=process.url))
        async with httpx.AsyncClient(base_url=door.url, timeout=30) as http:
            http.headers.update({"Authorization": customer.http.headers["Authorization"], "Idempotency-Key": key})
            async with locked(purser, customer):
                paying = asyncio.create_task(http.post(f"/api/portal/orders/{number}/payments", json=body, timeout=30))
                await waits_for_a_lock(purser)
                assert await process.stop() < MOST_SECONDS
            answer = await paying
            purser.promise.check(answer)
            assert answer.status_code == 503
    assert (await customer.get("/balance"))["balance_minor"] == 1_000
    assert (await customer.post(f"/orders/{number}/payments", body, key))["order_status"] == "paid"


async def test_a_worker_stops_with_events_in_hand_and_another_takes_them(purser: System) -> None:
    customer = await purser.new_customer()
    owner = Database(purser.installation.database_url("billing", owner=True))
    orders = [order_placed(customer, number) for number in range(20)]
    worker = running_process("services.billing.worker", purser.installation, "billing")
    async with worker as process, owner.transaction() as session:
        await session.execute(text("LOCK TABLE invoices IN EXCLUSIVE MODE"))
        await tell(purser, orders)
        # Ours and the process's: more than one of them alone could have waiting.
        await waits_for_a_lock(purser, at_least=12)
        assert await process.stop() < MOST_SECONDS
    await owner.close()

    async def all_taken() -> bool:
        numbers = {"numbers": [order.order_number for order in orders]}
        query = "SELECT count(*) AS n FROM invoices WHERE order_number = ANY(:numbers)"
        return bool((await purser.rows("billing", query, **numbers))[0]["n"] == len(orders))

    await eventually(all_taken, "each has its invoice")


def order_placed(customer: Person, number: int) -> OrderPlaced:
    return OrderPlaced(
        order_number=f"ORD-{9_000_000_000 + number:010}", customer_id=customer.id, status=OrderStatus.AWAITING_PAYMENT,
        currency="USD", total_minor=1, paid_minor=0, remaining_minor=1, version=1, at=datetime.now(UTC),
    )  # fmt: skip


async def tell(purser: System, orders: list[OrderPlaced]) -> None:
    async with await aio_pika.connect(purser.installation.broker_url("orders")) as connection:
        exchange = await (await connection.channel()).get_exchange(BATCHES, ensure=False)
        for order in orders:
            headers = {"ce-id": str(uuid4()), "ce-type": order.routing_key}
            message = aio_pika.Message(order.model_dump_json().encode(), headers=headers)  # type: ignore[arg-type]
            await exchange.publish(message, order.routing_key)
