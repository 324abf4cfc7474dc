"""What a listener cannot take becomes a dead letter that says why, in words that show nothing of what it holds; or it
comes once more, alone."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aio_pika import Message
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage
from faststream.rabbit import RabbitBroker
from pydantic import ValidationError

from shared.envelope import DIED_AT, DIED_OF, sent_on
from shared.failure import kind_of, place_of
from shared.messaging import DEAD_LETTERS, again_exchange

ANSWER_SECONDS = 5.0


async def bury(broker: RabbitBroker, message: AbstractIncomingMessage, queue: str, why: str) -> None:
    """Return once the broker has the dead letter for certain; the message itself is still to be acknowledged."""
    letter = sent_on(message, **{DIED_OF: why, DIED_AT: datetime.now(UTC).isoformat()})
    async with _exchange(broker, DEAD_LETTERS) as exchange:
        await exchange.publish(letter, queue, mandatory=True)


async def send_again(broker: RabbitBroker, messages: Iterable[Message], queue: str) -> None:
    """Return once the broker has them all for certain, for this very queue."""
    async with _exchange(broker, again_exchange(queue.partition(".")[0])) as exchange:
        await asyncio.gather(*(exchange.publish(message, queue, mandatory=True) for message in messages))


@asynccontextmanager
async def _exchange(broker: RabbitBroker, name: str) -> AsyncIterator[AbstractExchange]:
    async with asyncio.timeout(ANSWER_SECONDS):
        connection = await broker.connect()
        # A channel of its own: where this is refused, the channel dies of it.
        async with connection.channel(publisher_confirms=True, on_return_raises=True) as channel:
            yield await channel.get_exchange(name, ensure=False)


def why_invalid(error: Exception) -> str:
    """Which fields are wrong and in what way, never what is in them."""
    if not isinstance(error, ValidationError):
        return f"not a valid event: {error}"
    wrong = [
        ": ".join([".".join(map(str, each["loc"])), each["type"]] if each["loc"] else [each["type"]])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"not a valid {error.title}: {', '.join(wrong[:3])}{more}"


def why_failed(error: BaseException, tries: int) -> str:
    """The kind of error and the place in our code."""
    where = f" in {place}" if (place := place_of(error)) else ""
    return f"{kind_of(error)}{where}, {tries} tries"
