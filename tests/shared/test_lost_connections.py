"""Whatever interrupts a transaction leaves no connection lost, no transaction open and no lock held."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from shared.contracts.http.billing import TransferKind
from shared.db import Database, is_unreachable
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation


@pytest.fixture
async def billing(installation: Installation) -> AsyncIterator[Database]:
    database = Database(installation.database_url("billing"))
    yield database
    await database.close()


@pytest.fixture
async def admin(installation: Installation) -> AsyncIterator["asyncpg.Connection[Any]"]:
    url = installation.servers.postgres_url.rpartition("/")[0] + f"/billing_{installation.worker}"
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def _is_clean(billing: Database, admin: "asyncpg.Connection[Any]") -> bool:
    pool = billing.engine.pool
    assert isinstance(pool, QueuePool)
    open_ = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'billing'"
        " AND (state <> 'idle' OR EXISTS (SELECT 1 FROM pg_locks WHERE pg_locks.pid = pg_stat_activity.pid))"
    )
    return pool.checkedout() == 0 and open_ == 0


async def test_two_thousand_payments_cancelled_at_any_moment_leave_nothing_behind(
    billing: Database, admin: "asyncpg.Connection[Any]"
) -> None:
    customer, chance = Customer(billing), random.Random(7)
    await customer.deposit(1_000_000)

    async def cancelled() -> None:
        task = asyncio.create_task(customer.move(TransferKind.WITHDRAWAL, 1))
        await asyncio.wait([task], timeout=chance.uniform(0, 0.02))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for _ in range(200):
        await asyncio.gather(*(cancelled() for _ in range(10)))
    await eventually(lambda: _is_clean(billing, admin), "nothing is open, nothing is locked")
    async with billing.transaction() as session:
        withdrawn = text("SELECT count(*) FROM transfers WHERE customer_id = :id AND kind = 'withdrawal'")
        balance = text("SELECT balance_minor FROM accounts WHERE id = :id")
        left = await session.scalar(balance, {"id": customer.id})
        assert left == 1_000_000 - (await session.scalar(withdrawn, {"id": customer.id}) or 0)


async def test_connections_that_postgresql_ends_are_replaced(
    billing: Database, admin: "asyncpg.Connection[Any]"
) -> None:
    customer = Customer(billing)
    await customer.deposit(1_000)
    for _ in range(5):
        paying = [asyncio.create_task(customer.move(TransferKind.WITHDRAWAL, 1)) for _ in range(20)]
        await asyncio.wait(paying, timeout=0.02)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'billing'"
        )
        ends = await asyncio.gather(*paying, return_exceptions=True)
        assert all(is_unreachable(end) for end in ends if isinstance(end, BaseException)), ends
    await eventually(lambda: _is_clean(billing, admin), "nothing is open, nothing is locked")
    await customer.move(TransferKind.WITHDRAWAL, 1)


async def test_a_transaction_that_idled_too_long_is_one_whose_database_was_away(
    billing: Database, admin: "asyncpg.Connection[Any]"
) -> None:
    with pytest.raises(DBAPIError) as lost:
        async with billing.transaction() as session:
            backend = await session.scalar(text("SELECT pg_backend_pid()"))
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))

            async def ended() -> bool:
                return not await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", backend)

            await eventually(ended, "PostgreSQL has ended it")
            await session.execute(text("SELECT 1"))
    assert is_unreachable(lost.value)


async def test_postgresql_looks_after_who_has_vanished_within_a_request(billing: Database) -> None:
    """No test can let a machine vanish here, so this looks at what PostgreSQL will do about it on this connection."""
    limits = "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout"
    async with billing.transaction() as session:
        in_force = [await session.scalar(text("SELECT current_setting(:name)"), {"name": name}) for name in limits]
    assert in_force == ["5", "5", "2", "15000"]
