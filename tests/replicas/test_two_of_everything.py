"""Two copies of every process, under load: leaders die and freeze, everything is restarted, and nobody notices.

`make replicas` shows how long each of it took.
"""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from deploy.local.home import ROOT
from deploy.local.programs import SERVICES, replicas_of
from tests.eventually import eventually
from tests.faults.__main__ import browsers_of, say, working
from tests.faults.browsers import Browser, kept_open
from tests.faults.clients import Clients
from tests.faults.history import History
from tests.faults.invariants import INVARIANTS
from tests.faults.judge import judge
from tests.faults.quiet import evidence_of, quiet
from tests.faults.report import broken
from tests.faults.system import PrivatePurser, clear_away, private_purser
from tests.faults.tap import tapped
from tests.replicas.door import door_to

AFTER_A_KILL_SECONDS = 10.0
# PostgreSQL takes the lock from a relay that it has not heard of for 15 s.
AFTER_A_FREEZE_SECONDS = 20.0
AT_ONCE, PACE_SECONDS = 6, 0.05


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = ROOT / "test-results" / "replicas" / time.strftime("%Y%m%d-%H%M%S")
    folder.mkdir(parents=True)
    yield folder
    clear_away(folder)


async def test_leaders_die_and_freeze_and_everything_is_restarted_and_nobody_notices(folder: Path) -> None:
    async with AsyncExitStack() as stack:
        history = History(folder / "history.jsonl")
        stack.callback(history.close)
        purser = await stack.enter_async_context(private_purser(folder, replicas=2))
        tap = await stack.enter_async_context(tapped(purser))
        clients = await stack.enter_async_context(working(purser, history))
        browsers = await stack.enter_async_context(browsers_at_each_gateway(purser, clients))
        door = await stack.enter_async_context(door_to(*map(purser.system.programs.url, replicas_of("gateway", 2))))
        clients.http = cast(Any, door)
        async with under_load(clients):
            async with asyncio.TaskGroup() as group:
                group.create_task(frozen_until_another_leads(purser, "billing"))
                await restarted_in_turn(purser, [f"{service}-api" for service in SERVICES])
                await restarted_in_turn(purser, ["gateway"])
            await restarted_in_turn(purser, [f"{service}-worker" for service in SERVICES])
            await killed_until_one_leads(purser)
        evidence = await stack.enter_async_context(evidence_of(purser, history.operations, browsers))
        await quiet(purser, evidence)
        verdicts = await judge(evidence, INVARIANTS)
        say(f"{door.asked} requests, {len(door.failed)} failed; {tap.again.total()} events told more than once")
    assert (broken(verdicts), door.failed, tap.turned_round) == ([], [], [])


@asynccontextmanager
async def browsers_at_each_gateway(purser: PrivatePurser, clients: Clients) -> AsyncIterator[list[Browser]]:
    """Everybody looks at the shop by each of them, signed in by the first."""
    async with AsyncExitStack() as stack:
        browsers: list[Browser] = []
        for gateway in replicas_of("gateway", purser.replicas):
            http = await stack.enter_async_context(aiohttp.ClientSession(purser.system.programs.url(gateway)))
            looking = Clients(http, clients.history, clients.tokens)
            looking.customers = clients.customers
            browsers += browsers_of(looking)
        async with kept_open(browsers):
            yield browsers


@asynccontextmanager
async def under_load(clients: Clients) -> AsyncIterator[None]:
    working = [
        asyncio.create_task(clients.work(random.Random(f"replicas {index}"), PACE_SECONDS)) for index in range(AT_ONCE)
    ]
    yield
    clients.stop()
    await asyncio.gather(*working)


async def restarted_in_turn(purser: PrivatePurser, programs: Sequence[str]) -> None:
    """As one restarts what must go on: the first replica of each, then, when they are ready, the second."""
    begun = time.monotonic()
    for replica in range(purser.replicas):
        names = [replicas_of(program, purser.replicas)[replica] for program in programs]
        await asyncio.gather(*(purser.restart(name, signal.SIGTERM) for name in names))
    say(f"{', '.join(programs)}: two of each restarted in {time.monotonic() - begun:.1f} s")


async def frozen_until_another_leads(purser: PrivatePurser, service: str) -> None:
    """And woken then."""
    leader, standby = await who_leads(purser, service)
    begun = time.monotonic()
    await purser.send(leader, signal.SIGSTOP)
    try:
        await one_leads(purser, [standby], AFTER_A_FREEZE_SECONDS)
    finally:
        await purser.send(leader, signal.SIGCONT)
    say(f"{standby} leads {time.monotonic() - begun:.1f} s after {leader} froze")


async def killed_until_one_leads(purser: PrivatePurser) -> None:
    """Every service's leader at once; return when they are ready again. Who was killed may be back before the other has
    looked."""

    async def killed(service: str) -> None:
        leader, standby = await who_leads(purser, service)
        begun = time.monotonic()
        await purser.send(leader, signal.SIGKILL)
        leads = await one_leads(purser, [standby, leader], AFTER_A_KILL_SECONDS)
        say(f"{leads} leads {time.monotonic() - begun:.1f} s after {leader} was killed")

    await asyncio.gather(*map(killed, SERVICES))
    await purser.ready_again(tuple(purser.programs))


async def who_leads(purser: PrivatePurser, service: str) -> tuple[str, str]:
    """The worker that relays, and the one that stands by."""
    first, second = replicas_of(f"{service}-worker", 2)
    told = await purser.measured(first, "purser_relay_leading")
    return (first, second) if told[""] else (second, first)


async def one_leads(purser: PrivatePurser, workers: Sequence[str], seconds: float) -> str:
    """Which of them relays, as soon as one does."""
    leading: list[str] = []

    async def look() -> bool:
        for worker in workers:
            if (await purser.measured(worker, "purser_relay_leading"))[""]:
                leading.append(worker)
        return bool(leading)

    await eventually(look, f"{' or '.join(workers)} leads", seconds)
    return leading[0]
