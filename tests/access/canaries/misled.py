"""Processes that are told nonsense, or passwords that are not right."""

import asyncio
import sys
from contextlib import closing, suppress
from dataclasses import replace

import httpx2 as httpx

from deploy.local.home import ROOT
from deploy.local.ports import free_port
from deploy.local.programs import Program
from tests.access.canaries.shop import Shop
from tests.access.canaries.words import WRITTEN
from tests.eventually import eventually


async def mislead_processes(shop: Shop) -> None:
    """Each by itself, with settings that are wrong."""
    programs = shop.system.programs
    orders, worker, gateway = programs.apis()[0], programs.workers()[1], programs.gateways()[0]
    database, broker, key = (WRITTEN[name] for name in ("database-password", "broker-password", "signing-key"))
    nonsense = await asyncio.start_server(_answer_nonsense, "127.0.0.1", 0)
    where = f"http://127.0.0.1:{nonsense.sockets[0].getsockname()[1]}"
    owner = programs.migrations()[0]
    owned = owner.environment["PURSER_MIGRATION_URL"]
    told = {
        "bad-database": (orders, "PURSER_DATABASE_URL", f"postgresql+asyncpg://orders:{database}/orders"),
        "bad-broker": (worker, "PURSER_BROKER_URL", f"{broker}@localhost"),
        "bad-key": (gateway, "PURSER_CALLER_PRIVATE_KEY", key),
        "bad-logins": (
            replace(programs.logins(), stdin=f"admin {WRITTEN['password']} admin\n"),
            "PURSER_LOG_LEVEL",
            "debug",
        ),
        "wrong-database-password": (owner, "PURSER_MIGRATION_URL", _with_password(owned, database)),
        "wrong-broker-password": (
            worker,
            "PURSER_BROKER_URL",
            _with_password(programs.broker_url("billing"), broker),
        ),
        "nonsense": (gateway, "PURSER_ORDERS_URL", where),
    }
    async with nonsense:
        await asyncio.gather(
            *(_try(shop, name, program, {setting: value}) for name, (program, setting, value) in told.items())
        )


async def _try(shop: Shop, name: str, program: Program, more: dict[str, str]) -> None:
    """Until it ends, or has said what it lacks."""
    port = free_port()
    environment = {**program.environment, **more, **({"PURSER_PORT": str(port)} if program.port else {})}
    log = shop.home.log(name)
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", program.module, cwd=ROOT, env=environment, stdin=asyncio.subprocess.PIPE,
            stdout=out, stderr=out,
        )  # fmt: skip
    ended = asyncio.create_task(process.communicate(program.stdin.encode()))

    async def has_said() -> bool:
        if name == "nonsense" and not ended.done():
            with_search = f"http://127.0.0.1:{port}/api/admin/orders?q={WRITTEN['search']}"
            try:
                await shop.ask("a service that speaks nonsense", "GET", with_search)
            except httpx.TransportError:
                return False
        said = log.read_text()
        return ended.done() or "not listening" in said or "service not reached" in said

    await eventually(has_said, f"{name} says what is wrong", seconds=120)
    if not ended.done():
        process.kill()
    await ended


def _with_password(url: str, password: str) -> str:
    head, _, tail = url.rpartition("@")
    return f"{head.rpartition(':')[0]}:{password}@{tail}"


async def _answer_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError), closing(writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{WRITTEN['nonsense']}\r\n\r\n".encode())
