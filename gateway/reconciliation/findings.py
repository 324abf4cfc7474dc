"""Keeping what was found: every statement on findings and rounds."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Text, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from gateway.reconciliation.differences import Found
from gateway.reconciliation.models import Finding, Round
from shared.db import Database
from shared.rows import any_given

# PostgreSQL takes the lock from whoever it has not heard of for so long, and whoever has it shows life more often.
SILENT_SECONDS = 10
LIFE_SECONDS = 3.0
_LIFE = text("SELECT 1")
_OPEN = Finding.resolved_at.is_(None)
# Every order page asks it.
_OPEN_ABOUT = select(Finding).where(_OPEN, Finding.subject == any_given("subjects", Text())).order_by(Finding.id)


@asynccontextmanager
async def alone(database: Database, work: str = "reconciliation") -> AsyncIterator[bool]:
    """Whether nobody else does this work now, nor will, as long as the context lasts.

    Who is frozen, or cut off, is not waited for: two at once would do the work twice, and no harm.
    """
    async with database.single_statements.connect() as connection:
        try:
            # Prepared before there is a lock, which a wire that falls silent within a preparation would keep.
            await connection.execute(_LIFE)
            await connection.execute(text(f"SET idle_session_timeout = '{SILENT_SECONDS}s'"))
            first = await connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:work))"), {"work": work})
            holding = asyncio.create_task(_show_life(connection))
            try:
                yield bool(first)
            finally:
                holding.cancel()
                await asyncio.gather(holding, return_exceptions=True)
        finally:
            # And the lock with it.
            await connection.invalidate()


async def _show_life(connection: AsyncConnection) -> None:
    while True:
        await asyncio.sleep(LIFE_SECONDS)
        await connection.execute(_LIFE)


async def begin_round(session: AsyncSession, made_by: str) -> Round:
    """Its `begun_at` is the database's time, as everything that is seen in it has."""
    made = await session.scalars(insert(Round).values(made_by=made_by).returning(Round))
    return made.one()


async def end_round(session: AsyncSession, round_: Round, positions: int, moving: Collection[str]) -> None:
    """What was open before, and was not seen again, is resolved; but not what still moves."""
    now = func.clock_timestamp()
    gone = update(Finding).where(_OPEN, Finding.last_seen_at < round_.begun_at, Finding.subject.not_in(moving))
    await session.execute(gone.values(resolved_at=now))
    await session.execute(update(Round).where(Round.id == round_.id).values(ended_at=now, positions=positions))


async def keep(session: AsyncSession, found: Sequence[Found]) -> None:
    """See these: anew, or again."""
    for each in found:
        seen = insert(Finding).values(kind=each.kind.value, subject=each.subject, figures=each.figures)
        await session.execute(
            seen.on_conflict_do_update(
                index_elements=["subject", "kind"],
                index_where=text("resolved_at IS NULL"),
                set_={"figures": seen.excluded.figures, "last_seen_at": func.clock_timestamp()},
            )
        )


async def resolve(session: AsyncSession, found: Collection[tuple[str, str]]) -> None:
    """These, by subject and kind, add up now."""
    gone = update(Finding).where(_OPEN, tuple_(Finding.subject, Finding.kind).in_(found))
    await session.execute(gone.values(resolved_at=func.clock_timestamp()))


async def list_open(session: AsyncSession, subjects: Collection[str]) -> Sequence[Finding]:
    """Open findings about any of these."""
    return (await session.scalars(_OPEN_ABOUT, {"subjects": list(subjects)})).all()


async def list_open_about_orders(session: AsyncSession, limit: int) -> Sequence[Finding]:
    """The newest ones."""
    wanted = select(Finding).where(_OPEN, Finding.subject.startswith("ORD-")).order_by(Finding.id.desc())
    return (await session.scalars(wanted.limit(limit))).all()


async def list_findings(
    session: AsyncSession, resolved: bool | None, before_id: int | None, limit: int
) -> Sequence[Finding]:
    """Newest first; `resolved` asks for those that are, or are not."""
    wanted = select(Finding)
    if resolved is not None:
        wanted = wanted.where(~_OPEN if resolved else _OPEN)
    if before_id is not None:
        wanted = wanted.where(Finding.id < before_id)
    return (await session.scalars(wanted.order_by(Finding.id.desc()).limit(limit))).all()


async def count_open(session: AsyncSession) -> dict[str, int]:
    """Open findings, by kind."""
    rows = await session.execute(select(Finding.kind, func.count().label("open")).where(_OPEN).group_by(Finding.kind))
    return {row.kind: row.open for row in rows}


async def find_last_round(session: AsyncSession) -> datetime | None:
    """When the newest round ended that went through all the books."""
    return await session.scalar(select(func.max(Round.ended_at)))
