"""What a payment costs where it can be counted: statements, bytes of PostgreSQL's log of writes, events. Times are for
`make bench`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.eventually import eventually
from tests.installation import PACKAGES
from tests.system import System

PAYMENTS = 32
# Of the services' own roles: what the test itself looks at does not count.
COUNTED = """
    SELECT sum(calls)::int, sum(wal_bytes)::bigint FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid
    WHERE NOT rolsuper AND dbid IN (SELECT oid FROM pg_database WHERE datname = ANY($1))
"""


@pytest.fixture
async def watching(purser: System) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """The superuser, in the databases that a payment goes through."""
    async with AsyncExitStack() as stack:
        found = {}
        for service in ("orders", "billing"):
            found[service] = await asyncpg.connect(purser.installation.superuser_url(service))
            stack.push_async_callback(found[service].close)
        await found["billing"].execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        yield found


async def test_payments_that_come_together_share_their_statements(
    purser: System, watching: dict[str, asyncpg.Connection]
) -> None:
    databases = [make_url(purser.installation.database_url(name)).database for name in PACKAGES]
    customer = await purser.new_customer(100 * PAYMENTS)
    numbers = [await purser.new_order(customer, 60, 40, known=False) for _ in range(PAYMENTS)]
    for number in numbers:
        await purser.billing_knows(number)
    await _told(watching["orders"], numbers, 1)

    before = await watching["billing"].fetchrow(COUNTED, databases)
    await asyncio.gather(*(customer.post(f"/orders/{number}/payments", {}) for number in numbers))
    await _told(watching["billing"], numbers, 1)
    await _told(watching["orders"], numbers, 2)
    after = await watching["billing"].fetchrow(COUNTED, databases)

    statements, wal_bytes = ((late - early) / PAYMENTS for early, late in zip(before, after, strict=True))
    # Seen: 3.2 and 6,600; with nine statements a batch, 5.8.
    assert statements < 5
    assert wal_bytes < 8_000


async def _told(connection: asyncpg.Connection, numbers: Sequence[str], events: int) -> None:
    """Wait until so many events have left about each order."""

    async def look() -> bool:
        told = "SELECT count(*) FROM outbox_archive WHERE subject = ANY($1)"
        return bool(await connection.fetchval(told, numbers) == events * len(numbers))

    await eventually(look, f"{events} events about each order")
