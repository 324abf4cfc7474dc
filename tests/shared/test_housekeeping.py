"""What must not grow for ever does not, by a role that owns nothing."""

from uuid import uuid4

from sqlalchemy import text

from shared.db import Database
from shared.housekeeping import ROUND
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


async def test_keeping_house_again_changes_nothing_and_goes_on_after_a_gap(
    installation: Installation, database: Database
) -> None:
    owner = Database(installation.database_url("billing", owner=True))
    async with owner.transaction() as session:
        # As if nobody had made the day after tomorrow's partition, and events had come then.
        name = await session.scalar(text("SELECT 'outbox_archive_' || to_char(current_date + 2, 'YYYYMMDD')"))
        await session.execute(text(f"DROP TABLE {name}"))
        await session.execute(text(ARCHIVE), {"position": 7, "subject": str(uuid4()), "days": 2})
    await owner.close()
    await _round(database)
    await _round(database)
