"""Who did what to which dead letter, and why: among the acts of the service whose listener it was."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from deploy.operating.dead_letters import Letter
from deploy.operating.settings import OperatorSettings
from shared.acts import list_acts_called, record_act
from shared.auth import Caller, Role
from shared.contracts.http.base import ActView
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.db import Database

REPLAYED, DISCARDED = "dead_letter_replayed", "dead_letter_discarded"


class Records:
    """The services' books of acts, for as long as the context lasts."""

    def __init__(self, settings: OperatorSettings) -> None:
        self._databases = {service: Database(settings.database_url(service), pool_size=1) for service in SUBSCRIPTIONS}

    async def write(self, act: str, letters: Sequence[Letter], by: str, why: str | None) -> None:
        """Return once it is written down for good."""
        # Of a letter that died in no queue of ours orders keeps the record: it must be somewhere.
        listeners = [letter.queue.partition(".on.")[0] for letter in letters]
        for service, database in self._databases.items():
            async with database.transaction() as session:
                for listener, letter in zip(listeners, letters, strict=True):
                    if (listener if listener in self._databases else "orders") == service:
                        await self._write(session, act, letter, by, why)

    async def _write(self, session: AsyncSession, act: str, letter: Letter, by: str, why: str | None) -> None:
        await record_act(
            session,
            Caller(by, Role.OPERATOR),
            act,
            letter.id if letter.subject == "-" else letter.subject,
            why,
            event_id=letter.id,
            type=letter.type,
            queue=letter.queue,
            died_of=letter.why,
            since=letter.since.isoformat(),
        )

    async def read(self, limit: int) -> list[ActView]:
        """The newest of them, newest first."""
        acts: list[ActView] = []
        for database in self._databases.values():
            async with database.transaction() as session:
                acts += await list_acts_called(session, (REPLAYED, DISCARDED), limit)
        return sorted(acts, key=lambda act: act.at, reverse=True)[:limit]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for database in self._databases.values():
            await database.close()
