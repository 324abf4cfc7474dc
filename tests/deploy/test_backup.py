"""A backup that is kept up to date leads back to any moment since it was begun."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from deploy.local.backup import Backup, BackupFailed
from deploy.local.home import Home
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.secrets import Secrets


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


@pytest.fixture
def server(home: Home) -> Iterator[Postgres]:
    with Postgres(home.data / "postgres", free_port(), Secrets.load(home.secrets).database_admin) as server:
        yield server


async def write(server: Postgres, *numbers: int) -> datetime:
    """Write these, and give the moment after it."""
    connection = await asyncpg.connect(server.admin_url)
    await connection.execute("CREATE TABLE IF NOT EXISTS written (n int)")
    await connection.executemany("INSERT INTO written VALUES ($1)", [(number,) for number in numbers])
    moment = await connection.fetchval("SELECT clock_timestamp()")
    await connection.close()
    assert isinstance(moment, datetime)
    return moment


async def written(server: Postgres) -> list[int]:
    connection = await asyncpg.connect(server.admin_url)
    found = [row["n"] for row in await connection.fetch("SELECT n FROM written ORDER BY n")]
    await connection.close()
    return found


async def test_one_goes_back_to_a_moment_and_may_think_better_of_it(
    home: Home, server: Postgres, tmp_path: Path
) -> None:
    secrets, backup = Secrets.load(home.secrets), Backup(tmp_path)
    await write(server, 1)
    with backup.following(server.port, secrets):
        await asyncio.to_thread(backup.take, server.port, secrets)
        moment = await write(server, 2, 3)
        await write(server, 4)
        await asyncio.to_thread(server.stop)
    (home.data / "rabbitmq").mkdir()
    too_late = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(BackupFailed, match="Nothing was written after"):
        await asyncio.to_thread(backup.restore, home, server.port, too_late)
    await asyncio.to_thread(server.start)
    assert await written(server) == [1, 2, 3, 4]
    await asyncio.to_thread(server.stop)

    last = await asyncio.to_thread(backup.restore, home, server.port, moment)
    assert last is None or last <= moment
    assert not (home.data / "rabbitmq").exists()
    await asyncio.to_thread(server.start)
    assert await written(server) == [1, 2, 3]
    await write(server, 5)
    await asyncio.to_thread(server.stop)

    await asyncio.to_thread(backup.restore, home, server.port, None)
    await asyncio.to_thread(server.start)
    assert await written(server) == [1, 2, 3, 4]


async def test_a_backup_that_was_not_kept_up_to_date_is_one_moment(
    home: Home, server: Postgres, tmp_path: Path
) -> None:
    backup = Backup(tmp_path)
    moment = await write(server, 1)
    await asyncio.to_thread(backup.take, server.port, Secrets.load(home.secrets))
    await write(server, 2)
    await asyncio.to_thread(server.stop)
    with pytest.raises(BackupFailed, match="one moment only"):
        await asyncio.to_thread(backup.restore, home, server.port, moment)
    with pytest.raises(BackupFailed, match="is no backup"):
        await asyncio.to_thread(Backup(tmp_path / "nothing").restore, home, server.port, None)
    await asyncio.to_thread(backup.restore, home, server.port, None)
    await asyncio.to_thread(server.start)
    assert await written(server) == [1]
