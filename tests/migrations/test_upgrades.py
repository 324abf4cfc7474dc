"""Today's migrations run while the previous release does: it goes on working, before, meanwhile and afterwards."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import shared.migrations
from deploy.local.home import ROOT
from deploy.postgres.provision import provision
from shared.db import Database
from shared.migrations import config, upgrade
from tests.eventually import EVENTUALLY_SECONDS
from tests.installation import PACKAGES, Installation
from tests.migrations.previous import REVISION, WRITES
from tests.migrations.rules import broken_rules
from tests.servers import PASSWORD

# Written before there was a rule, and before anybody had much in these tables.
BEFORE_THE_RULES = {"orders": "0004", "billing": "0004", "support": "0002", "gateway": "0003"}
# Modules in which all models are known, the one with their base last.
MODELS = {
    "orders": ("services.orders.models.order", "services.orders.models.base"),
    "billing": ("services.billing.models",),
    "support": ("services.support.models",),
    "gateway": ("gateway.reconciliation.models", "gateway.accounts.models"),
}
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable = 'YES' AS nullable,
           column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS' AS made
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name !~ '^outbox_archive_|alembic'
"""
RIGHTS = """
    SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges
    WHERE grantee = current_user
"""


class Upgraded:
    """One service's database, at the previous release's schema."""

    def __init__(self, service: str, installation: Installation) -> None:
        self.service = service
        self.url = installation.database_url(service)
        self.owner_url = installation.database_url(service, owner=True)
        self.connections: list[asyncpg.Connection[Any]] = []

    async def writes(self, number: int) -> None:
        """What the previous release does for this customer."""
        statements = WRITES[self.service].format(n=number, id=UUID(int=number + 100))
        await (await self.connection()).execute(statements)

    async def connection(self) -> "asyncpg.Connection[Any]":
        connection = await asyncpg.connect(self.url.replace("+asyncpg", ""))
        self.connections.append(connection)
        return connection


@pytest.fixture(params=PACKAGES)
async def database(request: pytest.FixtureRequest, installation: Installation) -> AsyncIterator[Upgraded]:
    service = request.param
    previous = Installation(installation.servers, f"{installation.worker}_previous")
    await previous.drop()
    passwords = {role: PASSWORD for name in PACKAGES for role in (name, f"{name}_owner")}
    await provision(previous.servers.postgres_url, passwords, suffix=f"_{previous.worker}")
    database = Upgraded(service, previous)
    engine = create_async_engine(database.owner_url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(PACKAGES[service], sync), REVISION))
        await connection.commit()
    await engine.dispose()
    yield database
    for connection in database.connections:
        await connection.close()
    await previous.drop()


async def test_what_the_previous_release_has_written_is_read_and_what_it_does_still_works(database: Upgraded) -> None:
    await database.writes(1)
    look = await database.connection()
    columns = {(row["table_name"], row["column_name"]): row for row in await look.fetch(COLUMNS)}
    rights = {tuple(row) for row in await look.fetch(RIGHTS)}
    await upgrade(PACKAGES[database.service], database.owner_url)
    now = {(row["table_name"], row["column_name"]): row for row in await look.fetch(COLUMNS)}
    tables = {table for table, _ in columns}
    assert [name for name, row in columns.items() if now.get(name) is None or _is_narrower(now[name], row)] == []
    assert [name for name in now.keys() - columns.keys() if name[0] in tables and _must_be_told(now[name])] == []
    assert rights - {tuple(row) for row in await look.fetch(RIGHTS)} == set()
    await database.writes(2)
    await _todays_code_reads_all(database)


def _is_narrower(now: "asyncpg.Record", before: "asyncpg.Record") -> bool:
    """It takes or gives something else, or demands what could be left out."""
    return bool(now["data_type"] != before["data_type"] or (_must_be_told(now) and not _must_be_told(before)))


def _must_be_told(column: "asyncpg.Record") -> bool:
    """The previous release does not know it."""
    return not (column["nullable"] or column["made"])


async def _todays_code_reads_all(database: Upgraded) -> None:
    service = Database(database.url, pool_size=1)
    read = 0
    *_, base = map(importlib.import_module, MODELS[database.service])
    for mapper in base.Base.registry.mappers:
        async with service.transaction() as session:
            read += len((await session.scalars(select(mapper.class_))).all())
    await service.close()
    assert read >= 2


async def test_a_migration_gives_way_to_who_uses_a_table_and_comes_again(
    database: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.migrations, "LOCK_SECONDS", 1)
    using, other = await database.connection(), await database.connection()
    transaction = using.transaction()
    await transaction.start()
    await using.execute("SELECT 1 FROM acts")
    migration = asyncio.create_task(upgrade(PACKAGES[database.service], database.owner_url))
    for _ in range(12):
        # Nobody waits behind it for longer than it waits itself: else, as long as the table is used.
        await asyncio.wait_for(other.execute("SELECT 1 FROM acts"), EVENTUALLY_SECONDS)
        await asyncio.sleep(0.1)
    await transaction.rollback()
    await migration


async def test_two_who_migrate_at_once_take_turns(database: Upgraded) -> None:
    both = [upgrade(PACKAGES[database.service], database.owner_url) for _ in range(2)]
    await asyncio.wait_for(asyncio.gather(*both), 30)
    look = await database.connection()
    assert await look.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0


@pytest.mark.parametrize("service", PACKAGES)
def test_no_migration_holds_up_a_table_that_is_in_use(service: str) -> None:
    folder = ROOT / PACKAGES[service].replace(".", "/") / "migrations" / "versions"
    later = [file for file in sorted(folder.glob("[0-9]*.py")) if file.name[:4] > BEFORE_THE_RULES[service]]
    assert {file.name: broken for file in later if (broken := list(broken_rules(file.read_text())))} == {}


def test_what_holds_a_table_up_is_recognised() -> None:
    first = Path(ROOT / "services/orders/migrations/versions/0003_overpaid.py").read_text()
    assert list(broken_rules(first)) == ["line 13: create_index on orders without postgresql_concurrently"]
    careful = first.replace('["number"]', '["number"], postgresql_concurrently=True')
    assert list(broken_rules(careful)) == []
    assert list(broken_rules("op.create_table('orders')\n" + first)) == []
    check = "op.create_check_constraint('positive', 'orders', 'total_minor > 0')"
    assert list(broken_rules(check)) == ["line 1: create_check_constraint on orders without postgresql_not_valid"]
