"""What must not grow for ever does not, by a role that owns nothing."""

import asyncio
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.housekeeping import ROUND, keep_house
from tests.eventually import eventually
from tests.installation import Installation

ARCHIVE = """
    INSERT INTO outbox_archive (position, event_id, aggregate, subject, version, routing_key, at, body, sent_at)
    VALUES (:position, gen_random_uuid(), 'test', :subject, 1, 'billing.test.v1', now(), '{}',
            now() + :days * interval '1 day')
"""


async def _round(database: Database) -> None:
    for statement in ROUND:
        async with database.transaction() as session:
            await session.execute(text(statement))


async def test_old_ids_and_archive_days_are_forgotten_and_young_ones_kept(
    installation: Installation, database: Database
) -> None:
    subject, ids = str(uuid4()), {days: str(uuid4()) for days in (29, 31)}
    owner = Database(installation.database_url("billing", owner=True))
    async with owner.transaction() as session:
        for days in (-13, -16):
            await session.execute(text(ARCHIVE), {"position": -days, "subject": subject, "days": days})
        for days, event_id in ids.items():
            await session.execute(
                text("INSERT INTO inbox VALUES (:id, now() - :days * interval '1 day')"), {"id": event_id, "days": days}
            )
    await owner.close()
    await _round(database)
    async with database.transaction() as session:
        kept = await session.scalars(text("SELECT position FROM outbox_archive WHERE subject = :s"), {"s": subject})
        assert kept.all() == [13]
        known = await session.scalars(
            text("SELECT event_id::text FROM inbox WHERE event_id = ANY(:ids)"), {"ids": list(ids.values())}
        )
        assert known.all() == [ids[29]]


async def test_what_the_process_has_not_died_of_for_an_hour_is_no_suspect_any_more(database: Database) -> None:
    ids = {minutes: str(uuid4()) for minutes in (59, 61)}
    async with database.transaction() as session:
        for minutes, event_id in ids.items():
            begun = text("INSERT INTO suspects VALUES (:id, 5, now() - :minutes * interval '1 minute')")
            await session.execute(begun, {"id": event_id, "minutes": minutes})
    await _round(database)
    async with database.transaction() as session:
        known = text("SELECT event_id::text FROM suspects WHERE event_id = ANY(:ids)")
        assert (await session.scalars(known, {"ids": list(ids.values())})).all() == [ids[59]]


async def test_keeping_house_again_changes_nothing_and_goes_on_after_a_gap(
    installation: Installation, database: Database
) -> None:
    owner, subject = Database(installation.database_url("billing", owner=True)), str(uuid4())
    async with owner.transaction() as session:
        # As if nobody had made the day after tomorrow's partition, and events had come then.
        name = await session.scalar(text("SELECT 'outbox_archive_' || to_char(current_date + 2, 'YYYYMMDD')"))
        await session.execute(text(f"DROP TABLE {name}"))
        await session.execute(text(ARCHIVE), {"position": 7, "subject": subject, "days": 2})
    try:
        await _round(database)
        await _round(database)
    finally:
        # Others ask for all that was ever told.
        async with owner.transaction() as session:
            await session.execute(text("DELETE FROM outbox_archive WHERE subject = :s"), {"s": subject})
        await owner.close()


async def test_a_services_own_chores_are_done_until_none_is_left_whatever_became_of_others(database: Database) -> None:
    left, transactions = [3], set()

    async def fails(session: AsyncSession) -> bool:
        await session.execute(text("SELECT 1 / 0"))
        return True

    async def counts(session: AsyncSession) -> bool:
        transactions.add(await session.scalar(text("SELECT pg_current_xact_id()")))
        left[0] -= 1
        return left[0] > 0

    async def all_done() -> bool:
        return left[0] == 0

    keeping = asyncio.create_task(keep_house(database, fails, counts))
    await eventually(all_done, "the chores are done")
    assert len(transactions) == 3
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
