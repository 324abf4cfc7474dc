"""What the process may die of: tried one at a time and counted, so that what it does die of is given up, and nothing
else for its sake."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from faststream.rabbit.annotations import RabbitMessage
from sqlalchemy import text

from shared.db import Database
from shared.envelope import APART
from shared.messaging import DELIVERY_LIMIT

# What has come so often before, and not been done with, is suspected.
SUSPECT_DELIVERIES = 2
# Half of what the broker gives up at: each delivery whose worker has ended counts there, begun or not.
WORN_DELIVERIES = DELIVERY_LIMIT // 2
MOST_BEGUN = 5
SHUFFLING_SECONDS = 0.2

_BEGIN = text(
    "INSERT INTO suspects (event_id) VALUES (:event_id)"
    " ON CONFLICT (event_id) DO UPDATE SET begun = suspects.begun + 1, begun_at = now() RETURNING begun"
)
_END = text("DELETE FROM suspects WHERE event_id = :event_id")


class Deadly(Exception):
    """The process has ended during each try."""


def is_suspect(message: RabbitMessage) -> bool:
    """What comes from a suspect batch is too, at once: or the process might die of it before the batch is acknowledged,
    and again."""
    return APART in message.headers or _deliveries_before(message) >= SUSPECT_DELIVERIES


def is_worn(message: RabbitMessage) -> bool:
    """It will be given up by the broker, which cannot know what its workers have ended of."""
    return _deliveries_before(message) >= WORN_DELIVERIES


def _deliveries_before(message: RabbitMessage) -> int:
    return int(message.headers.get("x-delivery-count", 0))


class Suspects:
    """Those of a worker, whatever their queue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def alone(self, event_id: UUID) -> AsyncIterator[None]:
        """One after the other, each time in another order: so the innocent are done with, whatever the process dies of.

        Raises `Deadly` for what has been begun `MOST_BEGUN` times and never ended, which is committed before it is
        begun, and forgotten after an hour (`housekeeping`).
        """
        await asyncio.sleep(random.uniform(0, SHUFFLING_SECONDS))
        async with self._one:
            async with self._database.transaction() as session:
                begun = await session.scalar(_BEGIN, {"event_id": event_id})
            if begun > MOST_BEGUN:
                raise Deadly
            try:
                yield
            finally:
                async with self._database.transaction() as session:
                    await session.execute(_END, {"event_id": event_id})
