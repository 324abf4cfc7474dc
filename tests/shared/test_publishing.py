"""What is published at one go is, each by itself, certain, come back or not known of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractQueue
from aiormq import Channel
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, PublishError
from sqlalchemy.engine import make_url

from shared.publishing import Publication, publish
from tests.eventually import eventually
from tests.installation import Installation
from tests.link import linked


@asynccontextmanager
async def channel_at(url: str) -> AsyncIterator[Channel]:
    async with await aio_pika.connect(url) as connection:
        channel = await (await connection.channel(on_return_raises=True)).get_underlay_channel()
        assert isinstance(channel, Channel)
        yield channel


@pytest.fixture
async def queue(installation: Installation) -> AsyncIterator[AbstractQueue]:
    async with await aio_pika.connect(installation.broker_url("operator")) as connection:
        yield await (await connection.channel()).declare_queue(f"published {uuid4()}", exclusive=True)


def to(queue: str, body: bytes) -> Publication:
    return Publication("", queue, aio_pika.Message(body), mandatory=True)


async def test_of_many_only_what_no_queue_takes_comes_back_and_the_others_arrive_in_their_order(
    installation: Installation, queue: AbstractQueue
) -> None:
    where = [f"nowhere {uuid4()}" if n % 7 == 3 else queue.name for n in range(300)]
    taken = [n for n in range(300) if where[n] == queue.name]
    async with channel_at(installation.broker_url("operator")) as channel:
        for _ in range(2):
            results = await publish(channel, [to(name, str(n).encode()) for n, name in enumerate(where)])
            assert [n for n, each in enumerate(results) if each is None] == taken
            assert {type(each) for each in results} == {type(None), PublishError}
        assert not channel.message_id_delivery_tag
    arrived = [await queue.get(no_ack=True) for _ in (*taken, *taken)]
    assert [int(each.body) for each in arrived] == [*taken, *taken]


async def test_what_is_larger_than_a_frame_and_what_is_nothing_arrive_as_they_are(
    installation: Installation, queue: AbstractQueue
) -> None:
    bodies = [b"", b"a" * 131_064, b"b" * 131_065, b"c" * 1_000_000, b"d"]
    async with channel_at(installation.broker_url("operator")) as channel:
        assert await publish(channel, [to(queue.name, each) for each in bodies]) == [None] * len(bodies)
        assert await publish(channel, []) == []
    assert [(await queue.get(no_ack=True)).body for _ in bodies] == bodies


async def test_what_the_broker_says_nothing_about_is_not_certain(
    installation: Installation, queue: AbstractQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.publishing.ANSWER_SECONDS", 0.3)
    url = make_url(installation.broker_url("operator"))
    async with linked(url.host or "", url.port or 0) as wire:
        near = url.set(host="127.0.0.1", port=wire.local_port).render_as_string(hide_password=False)
        async with channel_at(near) as channel:
            with wire.silent():
                results = await publish(channel, [to(queue.name, b"1"), to(queue.name, b"2")])
            assert [type(each) for each in results] == [TimeoutError, TimeoutError]
            wire.reset()


async def test_on_a_connection_that_is_lost_nothing_is_certain_and_soon_nothing_is_tried(
    installation: Installation, queue: AbstractQueue
) -> None:
    url = make_url(installation.broker_url("operator"))
    async with linked(url.host or "", url.port or 0) as wire:
        near = url.set(host="127.0.0.1", port=wire.local_port).render_as_string(hide_password=False)
        async with channel_at(near) as channel:
            with wire.cut():

                async def is_refused() -> bool:
                    try:
                        results = await publish(channel, [to(queue.name, b"1")])
                    except ChannelInvalidStateError:
                        return True
                    assert isinstance(results[0], AMQPError | OSError)
                    return False

                await eventually(is_refused, "a channel that is no more")
