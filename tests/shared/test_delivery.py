"""One event in hand: what is done with its message, and when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged
from shared.db import Database
from shared.inbox import Heard
from shared.worker import Delivery
from tests.shared.conftest import balance_changed


@dataclass
class Message:
    """As the broker would hand it over; remembers what was committed when it was acknowledged."""

    database: Database
    body: bytes
    event_id: UUID = field(default_factory=uuid4)
    correlation_id: str | None = None
    committed_when_acknowledged: list[bool] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"ce-id": str(self.event_id), "ce-type": BalanceChanged.routing_key}

    async def ack(self) -> None:
        async with self.database.transaction() as session:
            taken = text("SELECT count(*) FROM inbox WHERE event_id = :id")
            self.committed_when_acknowledged.append(await session.scalar(taken, {"id": self.event_id}) == 1)


@pytest.mark.parametrize("together", [1, 50])
async def test_an_event_is_acknowledged_only_when_its_effect_is_committed_and_takes_effect_once(
    database: Database, together: int
) -> None:
    effects: list[Event] = []

    async def react(heard: Sequence[Heard[Event]], session: AsyncSession) -> None:
        effects.extend(each.event for each in heard)

    message = Message(database, balance_changed(uuid4(), 1).model_dump_json().encode())
    delivery = Delivery("a queue", BalanceChanged, react, together, database, cast(Any, None))
    for _ in range(3):
        await delivery.receive(cast(Any, message))
    assert message.committed_when_acknowledged == [True, True, True]
    assert len(effects) == 1


@pytest.mark.parametrize("together", [1, 50])
async def test_an_effect_that_fails_is_tried_again_and_leaves_no_trace_of_the_first_try(
    database: Database, monkeypatch: Any, together: int
) -> None:
    monkeypatch.setattr("shared.worker.RETRY_SECONDS", (0.01, 0.01))
    tries = 0

    async def fail_at_first(heard: Sequence[Heard[Event]], session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("not yet")

    message = Message(database, balance_changed(uuid4(), 1).model_dump_json().encode())
    delivery = Delivery("a queue", BalanceChanged, fail_at_first, together, database, cast(Any, None))
    await delivery.receive(cast(Any, message))
    assert (tries, message.committed_when_acknowledged) == (2, [True])
