"""Staff read order pages, each put together of what orders, billing and support know: CPU of all processes.

An order has two items, a part of it is paid, and its customer has three more and a conversation about it.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from benchmarks import browsers, shop
from benchmarks.browsers import Connection
from benchmarks.report import Table, across, quantile
from benchmarks.system import Purser

CUSTOMERS = 64
ORDERS = 4 * CUSTOMERS
PAGES = 1_000
ROUNDS = 5
CLIENTS = (1, 8, 32)


@dataclass(frozen=True)
class Round:
    """What so many pages came to."""

    cpu_ms: dict[str, float]
    answered_ms: Sequence[float]
    statements: float


async def run(purser: Purser) -> list[Table]:
    await shop.open_shop(purser, CUSTOMERS, ORDERS)
    await _live(purser)
    for clients in CLIENTS:
        await read(purser, clients)
    rounds = [[await read(purser, clients) for clients in CLIENTS] for _ in range(ROUNDS)]
    return [_table(clients, each) for clients, each in zip(CLIENTS, zip(*rounds, strict=True), strict=True)]


async def _live(purser: Purser) -> None:
    """What customers do before anybody looks."""
    connection = await browsers.connect(purser.port)
    for customer in range(1, CUSTOMERS + 1):
        number = shop.order_number(customer)
        for path, body in (
            (f"orders/{number}/payments", {"amount_minor": shop.PRICE_MINOR}),
            ("tickets", {"subject": "Where is it?", "text": "I have paid half of it.", "order_number": number}),
        ):
            headers = {**browsers.signed_in(shop.token(customer)), "Idempotency-Key": str(uuid4())}
            status, answer = await connection.ask("POST", f"/api/portal/{path}", headers, json.dumps(body).encode())
            assert status == 201, answer
        async with asyncio.timeout(browsers.PATIENCE_SECONDS):
            while json.loads(await _page(connection, number))["paid_minor"] != shop.PRICE_MINOR:
                await asyncio.sleep(0.02)
    connection.transport.close()


async def _page(connection: Connection, number: str) -> bytes:
    status, answer = await connection.ask("GET", f"/api/admin/orders/{number}", browsers.signed_in(shop.STAFF_TOKEN))
    assert status == 200, answer
    return answer


async def read(purser: Purser, clients: int) -> Round:
    """So many staff at once."""
    connections = [await browsers.connect(purser.port) for _ in range(clients)]
    left, answered = iter(range(PAGES)), list[float]()
    (statements_before, _), cpu_before = await purser.counted(), purser.cpu_seconds()

    async def work(connection: Connection) -> None:
        for page in left:
            begun = time.perf_counter()
            answer = await _page(connection, shop.order_number(1 + page % CUSTOMERS))
            answered.append((time.perf_counter() - begun) * 1000)
            assert b'"unavailable":[]' in answer, answer

    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(work(connection))
    cpu_after, (statements_after, _) = purser.cpu_seconds(), await purser.counted()
    for connection in connections:
        connection.transport.close()
    cpu_ms = {part: (used - cpu_before[part]) * 1000 / PAGES for part, used in cpu_after.items()}
    return Round(cpu_ms, answered, (statements_after - statements_before) / PAGES)


def _table(clients: int, rounds: Sequence[Round]) -> Table:
    parts = sorted(rounds[0].cpu_ms, key=lambda part: -statistics.median(each.cpu_ms[part] for each in rounds))
    return Table(
        f"CPU ms a page, {clients} at a time: {ROUNDS} rounds of {PAGES:,}",
        {
            "all": across([sum(each.cpu_ms.values()) for each in rounds]),
            **{part: across([each.cpu_ms[part] for each in rounds]) for part in parts},
            "statements a page": across([each.statements for each in rounds], 1),
            "answered, p50 ms": across([quantile(each.answered_ms, 0.5) for each in rounds], 1),
            "answered, p99 ms": across([quantile(each.answered_ms, 0.99) for each in rounds], 1),
        },
    )
