"""Messages to the broker, many at one go: aiormq itself makes a task, a time limit and a call of the kernel of each.

So 20 take half of the CPU, here and in RabbitMQ, and three take three quarters.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import aio_pika
from aiormq import Channel, spec
from aiormq.abc import ChannelFrame
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

ANSWER_SECONDS = 5.0
# Not many large ones at one time: what waits to be sent is in memory twice.
SENT_BYTES = 256_000


@dataclass(frozen=True)
class Publication:
    """A message, and where it goes; `mandatory`: it comes back where no queue takes it."""

    exchange: str
    routing_key: str
    message: aio_pika.Message
    mandatory: bool = False


async def publish(channel: Channel, publications: Sequence[Publication]) -> Sequence[BaseException | None]:
    """What each has failed with: None once the broker has it for certain, PublishError where it came back.

    Raises what says that the channel is no more. As `Channel.basic_publish` does it, whose books these are; after
    anything but a PublishError, or a cancellation, the channel's state is unknown.
    """
    confirmations: list[asyncio.Future[object]] = []
    try:
        async with asyncio.timeout(ANSWER_SECONDS), channel.lock:
            frames, size = list[Frame | ContentHeader | ContentBody](), 0
            for each in publications:
                confirmations.append(_expect_confirmation(channel, each.message))
                frames += _frames(channel, each)
                size += len(each.message.body)
                if size > SENT_BYTES:
                    await _send(channel, frames)
                    frames, size = [], 0
            if frames:
                await _send(channel, frames)
        if confirmations:
            await asyncio.wait(confirmations, timeout=ANSWER_SECONDS)
        return [_failure(each) for each in confirmations]
    finally:
        # Nobody asks any more.
        for confirmation in confirmations:
            confirmation.cancel()


def _expect_confirmation(channel: Channel, message: aio_pika.Message) -> "asyncio.Future[object]":
    # By its id a message that comes back is known.
    message_id = message.message_id = message.message_id or uuid4().hex
    confirmation: asyncio.Future[object] = channel.create_future()
    channel.delivery_tag = tag = channel.delivery_tag + 1
    channel.confirmations[tag] = confirmation
    channel.message_id_delivery_tag[message_id] = tag

    def forget(_: object) -> None:
        # It may be on its way again by now.
        if channel.message_id_delivery_tag.get(message_id) == tag:
            del channel.message_id_delivery_tag[message_id]

    confirmation.add_done_callback(forget)
    return confirmation


def _frames(channel: Channel, publication: Publication) -> "Iterator[Frame | ContentHeader | ContentBody]":
    body = publication.message.body
    yield spec.Basic.Publish(
        exchange=publication.exchange, routing_key=publication.routing_key, mandatory=publication.mandatory
    )
    yield ContentHeader(properties=publication.message.properties, body_size=len(body))
    for begin in range(0, len(body), channel.max_content_size):
        yield ContentBody(body[begin : begin + channel.max_content_size])


async def _send(channel: Channel, frames: "Sequence[Frame | ContentHeader | ContentBody]") -> None:
    await channel.write_queue.put(ChannelFrame.marshall(channel.number, frames))


def _failure(confirmation: "asyncio.Future[object]") -> BaseException | None:
    if not confirmation.done():
        return TimeoutError("the broker has not confirmed it in time")
    return asyncio.CancelledError() if confirmation.cancelled() else confirmation.exception()
