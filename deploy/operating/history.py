"""What the services have told, read anew from their outboxes' archives without holding anything in them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from typing import Any

from aio_pika import Message
from sqlalchemy import text

from deploy.operating.settings import OperatorSettings
from shared.db import Database
from shared.envelope import message_of
from shared.messaging import SERVICES

PAGE_ROWS = 500
Told = Mapping[str, Any]
# In pages, each a transaction of its own: a long one would hold up the dropping of old days, and the relay by that.
PAGE = text(
    "SELECT * FROM outbox_archive"
    " WHERE sent_at >= :sent_at AND (sent_at, position) > (:sent_at, :position) AND sent_at < :until"
    " ORDER BY sent_at, position LIMIT :rows"
)
# By one snapshot: what moves from the outbox to its archive meanwhile would be in neither.
REST = text(
    "SELECT * FROM outbox_archive"
    " WHERE sent_at >= :sent_at AND (sent_at, position) > (:sent_at, :position)"
    " UNION ALL SELECT *, NULL FROM outbox ORDER BY sent_at NULLS LAST, position"
)


class History:
    """The past of one service, from `since` on, in the order it was sent in: an aggregate's is that of its versions."""

    def __init__(self, service: str, database: Database, since: datetime) -> None:
        self.service = service
        self._engine = database.engine.execution_options(postgresql_readonly=True)
        self._last: dict[str, object] = {"sent_at": since, "position": 0}

    async def sent(self, until: datetime) -> AsyncGenerator[Told, None]:
        """What was sent before then."""
        while True:
            async with self._engine.connect() as connection:
                page = (
                    (await connection.execute(PAGE, {**self._last, "until": until, "rows": PAGE_ROWS})).mappings().all()
                )
            for row in page:
                self._last = {"sent_at": row["sent_at"], "position": row["position"]}
                yield dict(row)
            if len(page) < PAGE_ROWS:
                return

    async def rest(self) -> AsyncGenerator[Told, None]:
        """What was sent since, and what has yet to be: that may be on its way past a queue just bound."""
        async with self._engine.connect() as connection, connection.stream(REST, self._last) as rows:
            async for row in rows.mappings():
                yield dict(row)


async def told(
    settings: OperatorSettings, since: datetime, until: datetime | None
) -> AsyncGenerator[tuple[Message, str], None]:
    """All services' events with their routing keys, by the time they were sent at; without `until`, up to now."""
    async with AsyncExitStack() as closing:
        histories: list[History] = []
        for service in SERVICES:
            database = Database(settings.database_url(service), pool_size=1)
            closing.push_async_callback(database.close)
            histories.append(History(service, database, since))
        async with aclosing(_merged(histories, until or datetime.now(UTC))) as sent:
            async for service, row in sent:
                yield message_of(service, row), row["routing_key"]
        for history in [] if until else histories:
            async with aclosing(history.rest()) as rest:
                async for row in rest:
                    yield message_of(history.service, row), row["routing_key"]


async def _merged(histories: list[History], until: datetime) -> AsyncGenerator[tuple[str, Told], None]:
    async with AsyncExitStack() as closing:
        streams = {each.service: await closing.enter_async_context(aclosing(each.sent(until))) for each in histories}
        heads = {service: await anext(stream, None) for service, stream in streams.items()}
        while waiting := {service: row for service, row in heads.items() if row}:
            first = min(waiting, key=lambda service: waiting[service]["sent_at"])
            yield first, waiting[first]
            heads[first] = await anext(streams[first], None)
