"""What must not grow for ever: archive days, remembered event ids and idempotency keys."""

import asyncio

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database

ROUND_SECONDS = 3600.0
log = structlog.get_logger()

# A subscriber may be away for 7 days, and a client may repeat a request for 7; ids are kept longer than anything that
# could still be delivered.
ROUND = (
    "SELECT keep_outbox_archive(14)",
    "DELETE FROM inbox WHERE taken_at < now() - interval '30 days'",
    "DELETE FROM idempotency_keys WHERE claimed_at < now() - interval '7 days'",
)


async def keep_house(database: Database) -> None:
    """Every hour, for ever: make the archive's coming days, drop its old ones, forget old ids."""
    while True:
        for statement in ROUND:
            try:
                async with database.transaction() as session:
                    await session.execute(text(statement))
            except (SQLAlchemyError, OSError) as error:
                log.warning("housekeeping failed", statement=statement, error=type(error).__name__)
        await asyncio.sleep(ROUND_SECONDS)
