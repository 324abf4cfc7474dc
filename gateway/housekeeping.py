"""What must end with a session, and what must not grow for ever."""

import asyncio

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.accounts import queries
from gateway.live import Live
from shared.db import Database
from shared.failure import kind_of

LOOK_SECONDS = 2.0
ROUND_SECONDS = 3600.0
log = structlog.get_logger()


async def end_streams_of_ended_sessions(database: Database, live: Live) -> None:
    """Whoever has signed out, here or at another gateway, hears nothing more after seconds. For ever."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if not (listening := live.sessions()):
            continue
        try:
            async with database.transaction() as session:
                ended = await queries.find_ended_sessions(session, listening)
        except (SQLAlchemyError, OSError) as error:
            log.warning("sessions not looked at", error=kind_of(error))
            continue
        live.end_sessions(ended)


async def forget_expired_sessions(database: Database) -> None:
    """Every hour, for ever."""
    while True:
        try:
            async with database.transaction() as session:
                await session.execute(text("DELETE FROM sessions WHERE expires_at < now()"))
        except (SQLAlchemyError, OSError) as error:
            log.warning("expired sessions not forgotten", error=kind_of(error))
        await asyncio.sleep(ROUND_SECONDS)
