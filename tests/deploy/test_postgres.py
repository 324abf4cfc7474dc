"""The private PostgreSQL: however it ends, it starts again, with its data."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.ports import free_port
from deploy.local.postgres import Postgres, PostgresFailed
from deploy.local.processes import started_for
from deploy.postgres.provision import SERVICES, provision

PASSWORDS = {role: f"password of {role}" for name in SERVICES for role in (name, f"{name}_owner")}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    with Postgres(tmp_path / "postgres", free_port(), "it's a secret") as server:
        yield server
    assert not started_for(tmp_path)


async def _execute(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def _connect(server: Postgres, role: str, database: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        host="127.0.0.1", port=server.port, user=role, password=PASSWORDS[role], database=database
    )


async def test_what_was_committed_is_there_after_stop_and_start(server: Postgres) -> None:
    url = server.admin_url
    assert await _execute(url, "create table kept (n int)", "insert into kept values (7) returning n") == 7
    await asyncio.to_thread(server.stop)
    assert not started_for(server.folder)
    await asyncio.to_thread(server.start)
    assert await _execute(url, "select n from kept") == 7


async def test_it_starts_again_after_kill_9_while_a_backend_is_busy(server: Postgres) -> None:
    busy = await asyncpg.connect(server.admin_url)
    query = asyncio.create_task(busy.execute("select count(*) from generate_series(1, 1e10)"))
    while await _execute(server.admin_url, "select count(*) from pg_stat_activity where query like '%1e10%'") != 2:
        await asyncio.sleep(0)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.to_thread(server.start)
    assert await _execute(server.admin_url, "select 1") == 1
    with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
        await query
    busy.terminate()


async def test_a_server_that_cannot_start_says_so(tmp_path: Path, server: Postgres) -> None:
    other = Postgres(tmp_path / "other", server.port, "secret", durable=False)
    with pytest.raises(PostgresFailed):
        await asyncio.to_thread(other.start)


async def test_each_service_reaches_its_own_database_and_no_other(server: Postgres) -> None:
    await provision(server.admin_url, PASSWORDS)
    await provision(server.admin_url, PASSWORDS, suffix="_again")
    await provision(server.admin_url, PASSWORDS)
    connection = await _connect(server, "billing", "billing")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create table mine (n int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create temporary table mine (n int)")
    await connection.close()
    owner = await _connect(server, "billing_owner", "billing_again")
    await owner.execute("create table ours (n int)")
    await owner.close()
    for role, database in (("billing", "orders"), ("orders_owner", "billing"), ("gateway", "postgres")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _connect(server, role, database)
