"""The private Purser: the servers and every process as `make up` starts them, in a home of its own."""

import asyncio
import math
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aio_pika
import aiohttp
import asyncpg
import psutil
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.home import Home, State
from deploy.local.keeper import START_SECONDS, Keeper, why_not_ready
from deploy.local.ports import free_port
from deploy.local.postgres import ADMIN
from deploy.local.processes import end, started_for
from deploy.local.programs import SERVER_PORTS, Program
from deploy.local.secrets import Secrets
from deploy.local.supervisor import System
from shared.messaging import DEAD_LETTERS
from tests.faults.wires import Wires, wires

CURRENCY = "USD"


def points_of(folder: Path, process: str) -> Path:
    """Where this process looks for the failpoints that are armed."""
    return folder / "failpoints" / process


class BreakableKeeper(Keeper):
    """Keeps each program on wires that can be broken, and with failpoints."""

    def __init__(self, home: Home, state: State, wires: Wires) -> None:
        super().__init__(home, state)
        self._wires = wires

    async def keep(self, program: Program) -> None:
        points = points_of(self.home.folder, program.name)
        points.mkdir(parents=True, exist_ok=True)
        more = {"PURSER_LOG_LEVEL": "warning", "PURSER_FAILPOINTS": str(points)}
        if program.module == "gateway.app":
            # Who drives it pays as no person does.
            more["PURSER_CUSTOMER_PAYMENTS_PER_MINUTE"] = "1000000"
        wired = self._wires.rewire(program)
        await super().keep(replace(wired, environment={**wired.environment, **more}))


class PrivatePurser:
    """What is broken, and how it stands."""

    def __init__(self, system: System, keeper: Keeper, home: Home, wires: Wires, replicas: int) -> None:
        self.system, self.keeper, self.home, self.wires, self.replicas = system, keeper, home, wires, replicas
        self.repeated = 0
        self.url = system.programs.url("gateway")
        self.programs = [name for name in keeper.state.processes if name not in SERVER_PORTS]
        self._ready: dict[str, float] = {}
        self._awaited: Counter[str] = Counter()

    def database_url(self, service: str) -> str:
        """For the superuser."""
        return self.system.postgres.url(ADMIN, self.system.secrets.database_admin, service)

    async def pid(self, name: str) -> int:
        """Its process id, once it has one: what has just died is started again in a moment."""
        running = self.keeper.state.processes[name]
        while running.pid is None:
            await asyncio.sleep(0.05)
        return running.pid

    async def send(self, name: str, number: signal.Signals) -> None:
        """Send it to a process or a server."""
        with suppress(ProcessLookupError):  # it died at that very moment, of something else
            os.kill(await self.pid(name), number)

    async def freeze(self, name: str, seconds: float) -> None:
        """Stop it, and all its children, for so long, as a machine does that swaps or is moved."""
        frozen: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):  # it died at that very moment, of something else
            process = psutil.Process(await self.pid(name))
            frozen = [process, *process.children(recursive=True)]
        try:
            _tell(frozen, signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            _tell(frozen, signal.SIGCONT)

    async def restart(self, name: str, number: signal.Signals) -> None:
        """End a server or a process by this signal, and return when it is ready again: the keeper starts it."""
        deaths = self.keeper.state.processes[name].deaths
        await self.send(name, number)
        while not self.is_back(name, deaths):
            await asyncio.sleep(0.1)

    def is_back(self, name: str, deaths: int) -> bool:
        """Whether it has died since it had died so often, and says again that it is ready."""
        running = self.keeper.state.processes[name]
        return running.deaths > deaths and running.ready_at is not None

    async def terminate_connections(self) -> None:
        """Of everybody but the server's own processes and us."""
        with suppress(OSError, asyncpg.PostgresError, TimeoutError):
            connection = await asyncpg.connect(self.database_url("postgres"), timeout=5)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND usename <> current_user"
            )
            await connection.close()

    def queues(self) -> dict[str, int]:
        """How many messages each queue holds, those in hand included."""
        return self.system.broker.queues("purser")

    async def dead_letters(self) -> list[str]:
        """The ids of the events that were given up; they stay where they are."""
        connection = await aio_pika.connect(self.system.programs.broker_url("operator"))
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue(DEAD_LETTERS, ensure=False)
            found = []
            while (message := await queue.get(fail=False)) is not None:
                found.append(str(message.headers.get("ce-id")))
            return found

    async def take_pulses(self) -> None:
        """Ask the processes that somebody waits for whether they are ready, for all who wait. For ever."""

        async def take(process: str) -> None:
            while True:
                asked_at = time.monotonic()
                if self._awaited[process] and await self.why_not_ready(process) is None:
                    self._ready[process] = asked_at
                await asyncio.sleep(0.2)

        await asyncio.gather(*(take(process) for process in self.programs))

    async def ready_again(self, processes: tuple[str, ...], patience_seconds: float = math.inf) -> None:
        """Wait until each of these processes has once been ready since now."""
        begun = time.monotonic()
        self._awaited.update(processes)
        while any(self._ready.get(process, 0.0) <= begun for process in processes):
            if time.monotonic() - begun > patience_seconds:
                break
            await asyncio.sleep(0.05)
        self._awaited.subtract(processes)

    async def why_not_ready(self, process: str) -> str | None:
        """None if it says that it is ready."""
        return await asyncio.to_thread(why_not_ready, self.system.ports[process])

    async def measured(self, process: str, metric: str) -> dict[str, float]:
        """The metric's values, by queue where it is told by queue; one that dies meanwhile is asked again."""
        end = time.monotonic() + START_SECONDS
        async with aiohttp.ClientSession(self.system.programs.url(process)) as http:
            while True:
                try:
                    async with http.get("/metrics") as answer:
                        text = await answer.text()
                    break
                except aiohttp.ClientError:
                    if time.monotonic() > end:
                        raise
                    await asyncio.sleep(0.1)
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return {sample.labels.get("queue", ""): sample.value for sample in samples if sample.name == metric}


def _tell(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@asynccontextmanager
async def private_purser(folder: Path, replicas: int = 1) -> AsyncIterator[PrivatePurser]:
    """Everything started and ready, and ended afterwards; see `clear_away`.

    Of several replicas the first is on wires that can be broken.
    """
    home = Home(folder)
    home.make()
    async with wires() as whole:
        keeper = BreakableKeeper(home, State.new(), whole)
        system = System(home, keeper, Secrets.load(home.secrets, currency=CURRENCY), free_port(), replicas)
        pulses: asyncio.Task[None] | None = None
        try:
            await system.start()
            purser = PrivatePurser(system, keeper, home, whole, replicas)
            pulses = asyncio.create_task(purser.take_pulses())
            yield purser
        finally:
            if pulses is not None:
                pulses.cancel()
            await keeper.stop()


def clear_away(folder: Path) -> None:
    """End what may be left, once no thread is there to start more; leave nothing but the logs."""
    home = Home(folder)
    end(started_for(folder))
    for left in (home.data, home.run):
        shutil.rmtree(left, ignore_errors=True)
    for file in (home.secrets, home.ports):
        file.unlink(missing_ok=True)
