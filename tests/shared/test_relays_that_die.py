"""Three relays of one service, killed again and again: each aggregate's events arrive in order, and all of them."""

import asyncio
import json
import random
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from sqlalchemy import text

from shared import outbox
from shared.db import Database
from tests.eventually import eventually
from tests.installation import Installation
from tests.process import ROOT
from tests.shared.conftest import Listener, balance_changed, listening

KEY = "billing.balance_changed.v1"
RELAYS, KEYS, VERSIONS, KILLS = 3, 20, 60, 8
PROGRAM = "import asyncio, sys; from shared.relay import Relay; asyncio.run(Relay('billing', *sys.argv[1:]).run())"
LEADER = """
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""
WAITING = """
    SELECT count(*) = :all FROM pg_stat_activity
    WHERE application_name LIKE 'relay-%' AND wait_event_type = 'Lock' AND datname = current_database()
"""


class Relays:
    """Processes of their own, each known to PostgreSQL by its name."""

    def __init__(self, installation: Installation, database: Database) -> None:
        self.installation, self.database = installation, database
        self.living: dict[str, Process] = {}

    async def start(self, name: str) -> None:
        database_url = f"{self.installation.database_url('billing')}?application_name={name}"
        told = (PROGRAM, database_url, self.installation.broker_url("billing"))
        self.living[name] = await asyncio.create_subprocess_exec(sys.executable, "-c", *told, cwd=ROOT, stdout=DEVNULL)

    async def start_together(self) -> None:
        """All of them: none has told what waits before the others have looked whether they may, too."""

        async def all_wait() -> bool:
            async with self.database.transaction() as session:
                return bool(await session.scalar(text(WAITING), {"all": RELAYS}))

        async with self.database.transaction() as session:
            await session.execute(text("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE"))
            for number in range(RELAYS):
                await self.start(f"relay-{number}")
            await eventually(all_wait, "all relays wait for the outbox")

    async def kill(self, name: str) -> None:
        """At once, and start it again."""
        await self._end(name)
        await self.start(name)

    async def leader(self) -> str:
        """Who relays, once somebody does."""
        found: list[str] = []

        async def look() -> bool:
            async with self.database.transaction() as session:
                found[:] = await session.scalars(text(LEADER))
            return bool(found)

        await eventually(look, "a relay leads")
        return found[0]

    async def end(self) -> None:
        for name in self.living:
            await self._end(name)

    async def _end(self, name: str) -> None:
        self.living[name].kill()
        await self.living[name].wait()


@asynccontextmanager
async def relaying(installation: Installation, database: Database) -> AsyncIterator[Relays]:
    relays = Relays(installation, database)
    try:
        await relays.start_together()
        yield relays
    finally:
        await relays.end()


async def change(database: Database, customer_id: UUID, versions: range) -> None:
    """Each in a transaction of its own."""
    for version in versions:
        async with database.transaction() as session:
            await outbox.record(session, balance_changed(customer_id, version))


async def heard(listener: Listener, customers: list[UUID], count: int) -> None:
    """Wait for so many different events about these: what other tests have left in the outbox is told as well."""
    subjects = set(map(str, customers))

    async def arrived() -> bool:
        return len({each.message_id for each in listener.heard if each.headers["ce-subject"] in subjects}) >= count

    await eventually(arrived, f"{count} events", seconds=60)


async def test_of_three_relays_that_are_killed_none_turns_anything_round(
    installation: Installation, database: Database
) -> None:
    chance, customers, total = random.Random(18), [uuid4() for _ in range(KEYS)], KEYS * VERSIONS
    # There is much to tell when they begin, as after an outage, and more comes meanwhile.
    early, late = range(1, VERSIONS // 2), range(VERSIONS // 2, VERSIONS + 1)
    await asyncio.gather(*(change(database, customer_id, early) for customer_id in customers))
    async with (
        listening(installation, KEY) as listener,
        relaying(installation, database) as relays,
        asyncio.TaskGroup() as group,
    ):
        for customer_id in customers:
            group.create_task(change(database, customer_id, late))
        for turn, count in enumerate(sorted(chance.sample(range(total), KILLS))):
            await heard(listener, customers, count)
            await relays.kill(await relays.leader() if turn % 2 else chance.choice(list(relays.living)))
        await heard(listener, customers, total)
    for customer_id in customers:
        versions = [json.loads(message.body)["version"] for message in listener.about(customer_id)]
        assert list(dict.fromkeys(versions)) == list(range(1, VERSIONS + 1))
