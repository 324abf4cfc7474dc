"""A change and its news are one transaction: events are rows first, and leave for the broker afterwards (relay.py)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event
from shared.db import Database
from shared.failure import kind_of
from shared.ids import new_id
from shared.rows import Rows
from shared.telemetry import current_id
from shared.tracing import recorded

CHANNEL = "outbox"
# For a statement that is a transaction by itself, and of which few run at one time: see `ring`.
RING = f"pg_notify('{CHANNEL}', '')"
log = structlog.get_logger()


async def record(session: AsyncSession, event: Event) -> None:
    """Tell `event` if, and only if, this transaction commits.

    Call it while the aggregate's row is locked: that keeps an aggregate's events in the order of their versions.
    """
    await record_all(session, [event])


async def record_all(session: AsyncSession, events: Sequence[Event]) -> None:
    """The same for several, in their order."""
    await _insert(session, [row(event) for event in events])


async def record_caused(session: AsyncSession, events: Sequence[tuple[Context, Event]]) -> None:
    """The same for several, each told in the context of what has caused it."""
    await _insert(session, [context.run(row, event) for context, event in events])


COLUMNS = {
    "event_id": "uuid",
    "aggregate": "text",
    "subject": "text",
    "version": "bigint",
    "routing_key": "text",
    "at": "timestamptz",
    "body": "text",
    "correlation_id": "text",
}
_NEWS = Rows("news", COLUMNS)
_INSERT = text(f"INSERT INTO outbox ({', '.join(COLUMNS)}) SELECT * FROM {_NEWS}")  # noqa: S608


def row(event: Event) -> dict[str, Any]:
    """An event as a row, for a statement that writes its change, too."""
    event_id = new_id()
    recorded(event_id, event.routing_key)
    return {
        "event_id": event_id,
        "aggregate": event.aggregate,
        "subject": event.subject,
        "version": event.version,
        "routing_key": event.routing_key,
        "at": event.at,
        "body": event.model_dump_json(),
        "correlation_id": current_id(),
    }


async def _insert(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    await session.execute(_INSERT, _NEWS.parameters(rows))
    will_be_told(session, rows)


def will_be_told(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """These were inserted in this session: the relay is woken after the commit."""
    session.info.setdefault("told", set()).update(row["routing_key"] for row in rows)


async def list_told_lately(session: AsyncSession, aggregate: str, seconds: int, after: str, limit: int) -> list[str]:
    """What events were told about within so many seconds, or are yet to be: subjects in their order, after `after`."""
    told = await session.scalars(
        text(
            "SELECT subject FROM outbox WHERE aggregate = :aggregate AND subject > :after"
            " UNION SELECT subject FROM outbox_archive WHERE aggregate = :aggregate AND subject > :after"
            " AND sent_at > now() - make_interval(secs => :seconds) ORDER BY subject LIMIT :limit"
        ),
        {"aggregate": aggregate, "after": after, "seconds": seconds, "limit": limit},
    )
    return list(told)


async def ring(database: Database, near: Callable[[], bool] = lambda: False) -> None:
    """Wake the relay after commits, for ever: the one in this process, if it is `near` and leads; else by PostgreSQL.

    One NOTIFY for however many commits came meanwhile, and outside of them: a NOTIFY inside every transaction makes
    PostgreSQL commit one by one (a third of the rate). A lost ring costs a second: the relay also looks by itself.
    """
    while True:
        await database.told.wait()
        database.told.clear()
        if near():
            continue
        try:
            async with database.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text(f"NOTIFY {CHANNEL}"))
        except (SQLAlchemyError, OSError) as error:
            log.warning("outbox not rung", error=kind_of(error))
            await asyncio.sleep(1)
