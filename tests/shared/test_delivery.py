"""One event in hand: what is done with its message, and when."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.base import Event
from shared.db import Database
from shared.inbox import Heard
from tests.eventually import eventually
from tests.shared.channels import Witness
from tests.shared.conftest import balance_changed


@pytest.mark.parametrize("together", [1, 50])
async def test_an_event_is_acknowledged_only_when_its_effect_is_committed_and_takes_effect_once(
    database: Database, together: int
) -> None:
    effects: list[Event] = []

    async def react(heard: Sequence[Heard[Event]], session: AsyncSession) -> None:
        effects.extend(each.event for each in heard)

    channel = Witness(database=database)
    delivery = channel.delivery(react, together, database)
    for _ in range(3):
        await delivery.receive(channel.deliver(balance_changed(uuid4(), 1), channel.event_id))
        await _all_acknowledged(channel)
    assert channel.committed == [True, True, True]
    assert len(effects) == 1


@pytest.mark.parametrize("together", [1, 50])
async def test_an_effect_that_fails_is_tried_again_and_leaves_no_trace_of_the_first_try(
    database: Database, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.01, 0.01))
    tries = 0

    async def fail_at_first(heard: Sequence[Heard[Event]], session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("not yet")

    channel = Witness(database=database)
    await channel.delivery(fail_at_first, together, database).receive(
        channel.deliver(balance_changed(uuid4(), 1), channel.event_id)
    )
    await _all_acknowledged(channel)
    assert (tries, channel.committed) == (2, [True])


async def _all_acknowledged(channel: Witness) -> None:
    async def acknowledged() -> bool:
        return not channel.unsettled

    await eventually(acknowledged, "all is acknowledged")
