"""Many deliveries are acknowledged at one time, and none that is not done."""

import asyncio
from typing import cast

import pytest
from aiormq.abc import AbstractChannel

from shared.acknowledgements import Acknowledgements
from tests.shared.channels import Channel


class Slow(Channel):
    """What is told to it takes a while to leave."""

    async def basic_ack(self, tag: int, multiple: bool = False) -> None:
        await super().basic_ack(tag, multiple)
        await asyncio.sleep(0.001)


def of(channel: Channel, deliveries: int) -> Acknowledgements:
    made = Acknowledgements(cast(AbstractChannel, channel), "a queue")
    for _ in range(deliveries):
        tag = next(channel.tags)
        channel.unsettled.add(tag)
        made.take(tag)
    return made


async def test_all_that_is_done_at_one_time_is_acknowledged_by_one_frame() -> None:
    channel = Channel()
    acknowledgements = of(channel, 50)
    for tag in range(1, 51):
        acknowledgements.done(tag)
    await acknowledgements.nothing_in_hand()
    assert channel.frames == [("all up to", 50)]


async def test_what_is_still_in_hand_is_not_acknowledged_with_what_came_after_it() -> None:
    channel = Channel()
    acknowledgements = of(channel, 6)
    for tag in (6, 1, 4, 2):
        acknowledgements.done(tag)
    while len(channel.unsettled) > 2:
        await asyncio.sleep(0)
    assert channel.frames == [("all up to", 2), ("only", 4), ("only", 6)]
    assert channel.unsettled == {3, 5}


async def test_nothing_is_acknowledged_twice_however_what_is_done_and_what_is_told_interleave() -> None:
    for seed in range(100):
        channel, order = Slow(), sorted(range(1, 13), key=lambda tag: hash((seed, tag)))
        acknowledgements = of(channel, 12)
        for tag in order:
            acknowledgements.done(tag)
            await asyncio.sleep(0.0005 if hash((tag, seed)) % 3 == 0 else 0)
        await acknowledgements.nothing_in_hand()
        assert not channel.unsettled


async def test_what_is_rejected_is_not_acknowledged_with_the_others() -> None:
    channel = Channel()
    acknowledgements = of(channel, 3)
    acknowledgements.done(1)
    acknowledgements.done(3)
    await acknowledgements.reject(2)
    await acknowledgements.nothing_in_hand()
    assert not channel.unsettled
    assert ("reject", 2) in channel.frames
    assert not {frame for frame in channel.frames if frame[0] == "all up to"} - {("all up to", 1), ("all up to", 3)}


async def test_a_channel_that_is_lost_leaves_the_rest_to_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(tag: int, multiple: bool = False) -> None:
        raise ConnectionError("lost")

    channel = Channel()
    monkeypatch.setattr(channel, "basic_ack", lost)
    acknowledgements = of(channel, 2)
    acknowledgements.done(1)
    acknowledgements.done(2)
    await acknowledgements.nothing_in_hand()
    assert channel.unsettled == {1, 2}
