"""A piece of news and its effect are one transaction: whatever is delivered twice takes effect once."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def first_time(session: AsyncSession, event_id: UUID) -> bool:
    """Take the event, in the transaction of its effect; False where it was taken before.

    A second delivery at the same moment waits here until the first one has committed or rolled back.
    """
    taken = await session.execute(
        text("INSERT INTO inbox (event_id) VALUES (:event_id) ON CONFLICT DO NOTHING RETURNING event_id"),
        {"event_id": event_id},
    )
    return taken.first() is not None
