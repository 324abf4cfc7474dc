"""A small shop that is sound, for the judge, and a way to spoil it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import pytest

from tests.faults.invariants import INVARIANTS
from tests.faults.judge import SERVICES, Evidence, judge
from tests.faults.world import Connection, World
from tests.installation import Installation


@dataclass
class Shop:
    """The small shop, in transactions that never commit."""

    evidence: Evidence

    async def spoil(self, service: str, *statements: str) -> None:
        for statement in statements:
            await self.evidence.databases[service].execute(statement)

    async def broken(self) -> set[str]:
        """The codes of the invariants that do not hold."""
        return {verdict.code for verdict in await judge(self.evidence, INVARIANTS) if not verdict.holds}


@pytest.fixture(scope="module")
async def judged(installation: Installation) -> AsyncIterator[Installation]:
    """Databases in which nobody else works."""
    own = Installation(installation.servers, f"{installation.worker}_judge")
    await own.create()
    yield own
    await own.drop()


@pytest.fixture(scope="module")
async def databases(judged: Installation) -> AsyncIterator[dict[str, Connection]]:
    """For the superuser, whom neither foreign keys nor triggers stop."""
    async with AsyncExitStack() as stack:
        opened: dict[str, Connection] = {}
        for service in SERVICES:
            opened[service] = await asyncpg.connect(judged.superuser_url(service))
            stack.push_async_callback(opened[service].close)
            await opened[service].execute("SET session_replication_role = replica")
        yield opened


@pytest.fixture(scope="module")
async def relays(judged: Installation) -> AsyncIterator[dict[str, Connection]]:
    """One for each service."""
    async with AsyncExitStack() as stack:
        relaying: dict[str, Connection] = {}
        for service in ("orders", "billing", "support"):
            relaying[service] = await sign_in(judged, service)
            stack.push_async_callback(relaying[service].close)
            await relaying[service].execute(RELAY)
        yield relaying


async def sign_in(judged: Installation, service: str) -> Connection:
    """As the service does."""
    return await asyncpg.connect(judged.database_url(service).replace("+asyncpg", ""))


RELAY = "SELECT pg_advisory_lock(hashtext('outbox relay'))"


@pytest.fixture
async def shop(databases: dict[str, Connection], relays: dict[str, Connection]) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        for connection in databases.values():
            transaction = connection.transaction()
            await transaction.start()
            stack.push_async_callback(transaction.rollback)
        yield Shop(await World(databases).write())
