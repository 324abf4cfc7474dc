"""A private Purser to measure: every process as `make up` starts them, durable servers, nothing switched off."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import asyncpg
import psutil

from deploy.local.home import ROOT, Home, State
from deploy.local.keeper import Keeper
from deploy.local.ports import free_port
from deploy.local.postgres import ADMIN
from deploy.local.processes import end, started_for
from deploy.local.programs import Program
from deploy.local.secrets import Secrets
from deploy.local.supervisor import System

SERVICES = ("orders", "billing", "support", "gateway")
COUNTED = """
    SELECT coalesce(sum(calls), 0) AS statements, coalesce(sum(wal_bytes), 0) AS wal_bytes
    FROM pg_stat_statements WHERE dbid IN (SELECT oid FROM pg_database WHERE datname = ANY($1))
"""
FOLDER = ROOT / "test-results" / "benchmarks"


class _Keeper(Keeper):
    """Logs as an installation does, rather than for somebody who watches; customers may pay as fast as they can."""

    async def keep(self, program: Program) -> None:
        more = {"PURSER_LOG_FORMAT": "json"}
        if program.name == "gateway":
            more["PURSER_CUSTOMER_PAYMENTS_PER_MINUTE"] = "1000000"
        await super().keep(replace(program, environment={**program.environment, **more}))


class Purser:
    """What is measured."""

    def __init__(self, system: System, keeper: Keeper) -> None:
        self.system, self.keeper = system, keeper
        self.port = system.ports["gateway"]

    def database_url(self, name: str) -> str:
        """For the superuser."""
        return self.system.postgres.url(ADMIN, self.system.secrets.database_admin, name)

    @asynccontextmanager
    async def database(self, name: str) -> "AsyncIterator[asyncpg.Connection]":
        connection = await asyncpg.connect(self.database_url(name))
        try:
            yield connection
        finally:
            await connection.close()

    def cpu_seconds(self) -> dict[str, float]:
        """What each part has used so far, by the kernel's accounts; `load` is this process."""
        used = {name: _cpu(running.pid) for name, running in self.keeper.state.processes.items() if running.pid}
        return {**used, "load": _own_cpu()}

    def wakings(self) -> int:
        """How often all of its threads have begun to run so far."""
        pids = [running.pid for running in self.keeper.state.processes.values() if running.pid]
        return sum(_switches(each.pid) for pid in pids for each in _family(pid))

    async def counted(self) -> tuple[float, float]:
        """The statements of all services so far, and the bytes of their WAL."""
        async with self.database("postgres") as connection:
            statements, wal_bytes = await connection.fetchrow(COUNTED, SERVICES)
        return float(statements), float(wal_bytes)

    def memory_bytes(self) -> dict[str, int]:
        """What each process has to itself, and its share of what it has with others."""
        found = {}
        for name, running in self.keeper.state.processes.items():
            if running.pid:
                found[name] = sum(each.memory_full_info().pss for each in _family(running.pid))
        return {**found, "fork server": psutil.Process(self.keeper.fork_server.pid).memory_full_info().pss}


def _cpu(pid: int) -> float:
    seconds = 0.0
    for process in _family(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system
            # Connections that have ended: of the server alone, for it waits for them.
            seconds += times.children_user + times.children_system if process.pid == pid else 0
    return seconds


def _switches(pid: int) -> int:
    """Of all threads; psutil counts those of the first."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(OSError):
            count += sum(int(line.split()[1]) for line in status.read_text().splitlines() if "ctxt_switches" in line)
    return count


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _own_cpu() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def private_purser(name: str) -> AsyncIterator[Purser]:
    """Everything started and ready; ended afterwards, and its data forgotten. The logs stay."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f"{name}-", dir=FOLDER))
    home = Home(folder)
    home.make()
    keeper = _Keeper(home, State.new())
    system = System(home, keeper, Secrets.load(home.secrets, currency="USD"), free_port())
    try:
        await system.start()
        async with asyncpg.create_pool(system.postgres.admin_url, min_size=1, max_size=1) as pool:
            await pool.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        yield Purser(system, keeper)
    finally:
        await keeper.stop()
        end(started_for(folder))
        for left in (home.data, home.run):
            shutil.rmtree(left, ignore_errors=True)
        for file in (home.secrets, home.ports):
            file.unlink(missing_ok=True)
