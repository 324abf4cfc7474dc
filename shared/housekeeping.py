"""What must not grow for ever: archive days, remembered ids, idempotency keys, suspects; and a service's own chores."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.failure import kind_of

ROUND_SECONDS = 3600.0
log = structlog.get_logger()

# A subscriber may be away for 7 days, and a client may repeat a request for 7; ids are kept longer than anything that
# could still be delivered.
ROUND = (
    "SELECT keep_outbox_archive(14)",
    "DELETE FROM inbox WHERE taken_at < now() - interval '30 days'",
    "DELETE FROM idempotency_keys WHERE claimed_at < now() - interval '7 days'",
    "DELETE FROM suspects WHERE begun_at < now() - interval '1 hour'",
)


Chore = Callable[[AsyncSession], Awaitable[bool]]
"""Does one piece of work in a transaction of its own; False where there was none left."""


async def keep_house(database: Database, *chores: Chore) -> None:
    """Every hour, for ever: make the archive's coming days, drop its old ones, forget old ids, do the chores."""
    while True:
        for statement in ROUND:
            try:
                async with database.transaction() as session:
                    await session.execute(text(statement))
            except (SQLAlchemyError, OSError) as error:
                log.warning("housekeeping failed", statement=statement, error=kind_of(error))
        for chore in chores:
            try:
                await _finish(database, chore)
            except (SQLAlchemyError, OSError) as error:
                log.warning("housekeeping failed", chore=chore.__name__, error=kind_of(error))
        await asyncio.sleep(ROUND_SECONDS)


async def _finish(database: Database, chore: Chore) -> None:
    more = True
    while more:
        async with database.transaction() as session:
            more = await chore(session)
