"""Waiting until nothing is on its way any more, and gathering what the judge looks at."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from deploy.local.programs import replicas_of
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.messaging import DEAD_LETTERS
from tests.faults.browsers import Browser
from tests.faults.history import Operation
from tests.faults.invariants.people import shown_wrong
from tests.faults.judge import SERVICES, Evidence
from tests.faults.system import PrivatePurser

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
    """Wait, with a limit, until everything has arrived; seconds that it took. What then is still on its way is told to
    the judge, who is given the queues as they are at the end."""
    begun = time.monotonic()
    while what := await _on_its_way(purser, evidence):
        if time.monotonic() - begun > PATIENCE_SECONDS:
            break
        await asyncio.sleep(0.2)
    seconds = time.monotonic() - begun
    evidence.never_arrived = what
    evidence.queues = await asyncio.to_thread(purser.queues) if what else evidence.queues
    evidence.dead_letters = await purser.dead_letters() if evidence.queues.get(DEAD_LETTERS) else ()
    evidence.leading = {service: await _leading(purser, service) for service in WORKERS}
    evidence.replicas = purser.replicas
    return seconds


async def _on_its_way(purser: PrivatePurser, evidence: Evidence) -> str | None:
    """What is not there yet, the cheapest to ask first."""
    purser.wires.forget_the_dead()
    for process in purser.programs:
        if why := await purser.why_not_ready(process):
            return f"{process}: {why}"
    for service in SERVICES:
        if count := await evidence.count(service, "SELECT count(*) FROM outbox"):
            return f"{count} events in the outbox of {service}"
    if wrong := await shown_wrong(evidence):
        return wrong[0]
    evidence.queues = await asyncio.to_thread(purser.queues)
    waiting = (
        f"{count} messages in {queue}" for queue, count in evidence.queues.items() if count and queue != DEAD_LETTERS
    )
    return next(waiting, None)


async def _leading(purser: PrivatePurser, service: str) -> float:
    workers = replicas_of(f"{service}-worker", purser.replicas)
    return sum([(await purser.measured(worker, "purser_relay_leading"))[""] for worker in workers])
