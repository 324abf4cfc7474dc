"""Waiting until nothing is on its way any more, and gathering what the judge looks at."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import asyncpg

from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.messaging import DEAD_LETTERS
from tests.faults.browsers import Browser
from tests.faults.history import Operation
from tests.faults.invariants.people import shown_wrong
from tests.faults.judge import SERVICES, Evidence
from tests.faults.system import PrivatePurser
from tests.faults.wires import PROCESSES

PATIENCE_SECONDS = 60.0
WORKERS = tuple(service for service in SUBSCRIPTIONS if service != "gateway")


@asynccontextmanager
async def evidence_of(
    purser: PrivatePurser, operations: Sequence[Operation], browsers: Sequence[Browser]
) -> AsyncIterator[Evidence]:
    """What there is to judge by, as long as the block lasts."""
    async with AsyncExitStack() as stack:
        databases: dict[str, asyncpg.Connection[Any]] = {}
        for service in SERVICES:
            databases[service] = await asyncpg.connect(purser.database_url(service))
            stack.push_async_callback(databases[service].close)
        yield Evidence(databases, operations, browsers)


async def quiet(purser: PrivatePurser, evidence: Evidence) -> float:
    """Wait, with a limit, until everything has arrived; seconds that it took. What then is still on its way is found by
    the judge, who is given the queues as they are at the end."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE_SECONDS:
        if not await _on_its_way(purser, evidence):
            break
        await asyncio.sleep(0.5)
    seconds = time.monotonic() - begun
    evidence.queues = await asyncio.to_thread(purser.queues)
    evidence.dead_letters = await purser.dead_letters() if evidence.queues.get(DEAD_LETTERS) else ()
    evidence.leading = {service: await _leading(purser, service) for service in WORKERS}
    return seconds


async def _on_its_way(purser: PrivatePurser, evidence: Evidence) -> str | None:
    """What is not there yet, the cheapest to ask first."""
    for process in PROCESSES:
        if why := await purser.why_not_ready(process):
            return f"{process}: {why}"
    for service in SERVICES:
        if await evidence.count(service, "SELECT count(*) FROM outbox"):
            return f"the outbox of {service}"
    if wrong := await shown_wrong(evidence):
        return wrong[0]
    queues = await asyncio.to_thread(purser.queues)
    return next((queue for queue, count in queues.items() if count and queue != DEAD_LETTERS), None)


async def _leading(purser: PrivatePurser, service: str) -> float:
    url = purser.system.programs.url(f"{service}-worker")
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("purser_relay_leading "))
