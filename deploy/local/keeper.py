"""Running programs and servers, and starting again what dies."""

import asyncio
import contextlib
import http.client
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Protocol

from .forking import Forked, ForkServer
from .home import ROOT, Home, Running, State, Step
from .programs import Program

LOG_BYTES = 10_000_000
START_SECONDS = 60
# One that lived longer than this may have waited for another to be there.
SOON_SECONDS = 10
# A program that dies three times before it was ever ready will not get better.
PATIENCE = 3


class Failed(Exception):
    """The start cannot go on; the log of `process`, if one is named, says more."""

    def __init__(self, process: str | None, sentence: str):
        super().__init__(sentence)
        self.process = process


class Server(Protocol):
    """PostgreSQL or RabbitMQ."""

    port: int

    def alive(self) -> bool: ...
    def stop(self) -> None: ...
    @property
    def pid(self) -> int | None: ...


class Keeper:
    """Keeps processes running and writes down how they are."""

    def __init__(self, home: Home, state: State):
        self.home = home
        self.state = state
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._former: list[asyncio.Task[None]] = []
        self._servers: list[Server] = []
        self.fork_server = ForkServer(home)
        # What is given back when everything has stopped.
        self.held = contextlib.ExitStack()

    @contextlib.asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[Step]:
        """A step of the start, shown while it lasts and when it is done."""
        step = Step(name=name, began=time.time())
        self.state.steps.append(step)
        self.write()
        yield step
        step.seconds = time.time() - step.began
        self.write()

    def write(self) -> None:
        """Let others see the state."""
        self.state.write(self.home)

    async def run(self, program: Program) -> None:
        """Run a program to its end, which must be a good one."""
        with self.home.log(program.name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", program.module),
                cwd=ROOT,
                env=program.environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            await process.communicate(program.stdin.encode())
        finally:
            await _end(process)
        if process.returncode:
            raise Failed(program.name, f"{program.name} ended with {process.returncode}")

    async def keep(self, program: Program) -> None:
        """Start a program, keep it running from now on, and return when it is ready."""
        running = self.state.processes[program.name] = Running(port=program.port)
        self._tasks[program.name] = asyncio.create_task(self._keep(program, running))
        deadline = time.monotonic() + START_SECONDS
        while running.ready_at is None:
            if running.deaths >= PATIENCE:
                raise Failed(
                    program.name, f"{program.name} ended {running.deaths} times, last with {running.last_exit}"
                )
            if time.monotonic() > deadline:
                why = await asyncio.to_thread(why_not_ready, program.port)
                raise Failed(program.name, f"{program.name} was not ready within {START_SECONDS} s: {why}")
            await asyncio.sleep(0.05)

    async def keep_server(self, name: str, server: Server, start: Callable[[], None]) -> None:
        """Start a server, keep it running from now on, and return when it is ready."""
        self._servers.append(server)
        running = self.state.processes[name] = Running(port=server.port)
        await asyncio.to_thread(start)
        self._born(running, server.pid, ready=True)
        self._tasks[name] = asyncio.create_task(self._keep_server(server, start, running))

    async def succeed(self, programs: Sequence[Program]) -> None:
        """Start these beside those of their names, and stop those when all are ready, the first of them before the
        others. Where one does not get ready, everything is as before."""
        names = [program.name for program in programs]
        former, running = [self._tasks[name] for name in names], dict(self.state.processes)
        self._former = former
        try:
            async with asyncio.TaskGroup() as group:
                for program in programs:
                    group.create_task(self.keep(program))
        except BaseException:
            failed = [self._tasks[name] for name in names]
            self._tasks.update(zip(names, former, strict=True))
            self.state.processes.update(running)
            await _cancelled(task for task in failed if task not in former)
            raise
        await _cancelled(former[:1])
        await _cancelled(former[1:])

    async def stop(self) -> None:
        """Stop the programs, then the servers they depend on."""
        await _cancelled([*self._former, *self._tasks.values()])
        await self.fork_server.stop()
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in self._servers))
        self.held.close()

    async def rotate_logs(self) -> None:
        """Keep each log and one before it; copied and cut, since the processes hold it open."""
        while True:
            for log in self.home.logs.glob("*.log"):
                if log.stat().st_size > LOG_BYTES:
                    await asyncio.to_thread(shutil.copyfile, log, log.with_suffix(".log.1"))
                    log.open("w").close()
            await asyncio.sleep(10)

    async def _keep(self, program: Program, running: Running) -> None:
        pause = 0.5
        while True:
            with contextlib.suppress(ConnectionError):  # the fork server died; the next round starts it again
                running.last_exit = await self._live(program, running)
            pause = self._died(running, pause)
            await asyncio.sleep(pause)

    async def _live(self, program: Program, running: Running) -> int:
        """Run a program once; its exit code."""
        process = await self.fork_server.fork(program)
        self._born(running, process.pid)
        watch = asyncio.create_task(self._watch(running))
        try:
            return await process.wait()
        finally:
            watch.cancel()
            await _end(process)

    async def _keep_server(self, server: Server, start: Callable[[], None], running: Running) -> None:
        pause = 0.5
        while True:
            while server.alive():
                await asyncio.sleep(0.5)
            pause = self._died(running, pause)
            await asyncio.sleep(pause)
            # What kept it from starting is in its log; the next round tries again.
            with contextlib.suppress(Exception):
                await asyncio.to_thread(start)
                self._born(running, server.pid, ready=True)

    async def _watch(self, running: Running) -> None:
        """Note when the program is ready for the first time."""
        while await asyncio.to_thread(why_not_ready, running.port or 0) is not None:
            await asyncio.sleep(0.1)
        running.ready_at = time.time()
        self.write()

    def _born(self, running: Running, pid: int | None, ready: bool = False) -> None:
        running.pid, running.since = pid, time.time()
        running.ready_at = running.since if ready else None
        self.write()

    def _died(self, running: Running, pause: float) -> float:
        """How long to wait before the next start: longer each time for one that dies soon, before it was ever ready."""
        worked = running.ready_at is not None or time.time() - running.since > SOON_SECONDS
        running.pid, running.ready_at, running.deaths = None, None, running.deaths + 1
        self.write()
        return 0.5 if worked else min(2 * pause, 30)


def why_not_ready(port: int) -> str | None:
    """None if the program on this port says that it is ready, else what it says instead."""
    return ask_readiness(port)[0]


def ask_readiness(port: int) -> tuple[str | None, list[str]]:
    """The same, and what else it says that somebody should look at."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = json.loads(answer.read())
        return None if answer.status == 200 else str(said["detail"]), list(said.get("warnings", []))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "answers, but neither that it is ready nor why not", []
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer ({type(error).__name__})", []
    finally:
        connection.close()


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel them, and return when they have ended."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def _end(process: asyncio.subprocess.Process | Forked) -> None:
    """Ask the process to stop; kill it when it has not after ten seconds."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()
