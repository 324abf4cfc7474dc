"""The dead letters, taken in hand. All of them are held until the end, so that none is met twice; then, or when the
command is killed, RabbitMQ puts back whatever was not taken away: in any order, so nothing here goes by theirs."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelLockedResource, DeliveryError, PublishError

from shared.envelope import DIED_AT, DIED_OF, sent_on
from shared.messaging import DEAD_LETTERS

ANSWER_SECONDS = 10.0
IDLE_SECONDS = 2.0
# A tenth of a second apart, before somebody else is said to be at work.
TRIES = 10
AT_ONCE = 200
# Exclusive to the connection that made it: two who hold letters at once would each miss what the other holds.
IN_HAND = f"{DEAD_LETTERS}.in_hand"

_BY_THE_BROKER = {
    "delivery_limit": "its worker ended each time it was delivered",
    "rejected": "given up, without saying why",
    "expired": "it lay too long",
    "maxlen": "its queue was full",
}


class InHand(Exception):
    """Somebody else is at the dead letters."""


def printable(value: object) -> str:
    """Text of whoever wrote the letter, for a terminal that must not obey it."""
    return "".join(each if each.isprintable() else "\ufffd" for each in str(value))


@dataclass(frozen=True, eq=False)
class Letter:
    """A dead letter in hand."""

    message: AbstractIncomingMessage

    def _header(self, name: str) -> str:
        value = self.message.headers.get(name)
        return "" if value is None else printable(value)[:300]

    @property
    def id(self) -> str:
        """The event's; of a message that bears none, a name made of what is in it."""
        return printable(self.message.message_id or f"body-{hashlib.sha256(self.message.body).hexdigest()[:16]}")

    @property
    def queue(self) -> str:
        """The one it died in."""
        return self.message.routing_key or ""

    @property
    def type(self) -> str:
        return self._header("ce-type") or "of no type"

    @property
    def subject(self) -> str:
        return self._header("ce-subject") or "-"

    @property
    def since(self) -> datetime:
        """When it died."""
        with suppress(ValueError):
            return datetime.fromisoformat(self._header(DIED_AT)).astimezone(UTC)
        at = self._death().get("time")
        return at if isinstance(at, datetime) else datetime.min.replace(tzinfo=UTC)

    @property
    def why(self) -> str:
        if said := self._header(DIED_OF):
            return said
        reason = str(self._death().get("reason", ""))
        return _BY_THE_BROKER.get(reason, reason or "unknown")

    def _death(self) -> dict[str, object]:
        deaths = self.message.headers.get("x-death")
        return dict(deaths[0]) if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}


class DeadLetters:
    """The queue of dead letters, held by one command; `count` of them were there when it began."""

    def __init__(self, channel: AbstractChannel, queue: AbstractQueue, count: int) -> None:
        self._channel, self._queue, self.count = channel, queue, count

    async def some(self) -> AsyncIterator[list[Letter]]:
        """Each of them once, some at a time; none that dies meanwhile, as one just replayed might."""
        left = self.count
        while left and (letters := await self._take(min(AT_ONCE, left))):
            yield letters
            left -= len(letters)

    async def _take(self, wanted: int) -> list[Letter]:
        """The next so many, or as many as there are. A get for each would take ten times as long."""
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await self._channel.set_qos(wanted, timeout=ANSWER_SECONDS)
        tag = await self._queue.consume(arrived.put, timeout=ANSWER_SECONDS)
        messages: list[AbstractIncomingMessage] = []
        with suppress(TimeoutError):
            while len(messages) < wanted:
                async with asyncio.timeout(IDLE_SECONDS):
                    messages.append(await arrived.get())
        await self._queue.cancel(tag, timeout=ANSWER_SECONDS)
        return [Letter(message) for message in messages]

    async def send_back(self, letters: Sequence[Letter]) -> dict[Letter, str]:
        """Give each once more to exactly the queue it died in; return when these have them, with why some were not
        taken. Two of one id go one after the other: a channel tells a returned message by its id."""
        refused: dict[Letter, str] = {}
        while letters:
            wave = list({letter.id: letter for letter in reversed(letters)}.values())[::-1]
            letters = [letter for letter in letters if letter not in wave]
            whys = await asyncio.gather(*map(self._send_back, wave))
            refused |= {letter: why for letter, why in zip(wave, whys, strict=True) if why}
        return refused

    async def _send_back(self, letter: Letter) -> str:
        exchange = self._channel.default_exchange
        try:
            await exchange.publish(sent_on(letter.message), letter.queue, mandatory=True, timeout=ANSWER_SECONDS)
        except PublishError:
            return f"there is no queue {printable(letter.queue)}"
        except DeliveryError:
            return f"{printable(letter.queue)} takes nothing more: is it full?"
        return ""

    async def take_away(self, letters: Iterable[Letter]) -> None:
        """For good."""
        for letter in letters:
            await letter.message.ack()


@asynccontextmanager
async def dead_letters(broker_url: str) -> AsyncIterator[DeadLetters]:
    """Take them in hand. Raises `InHand`."""
    async with asyncio.timeout(ANSWER_SECONDS):
        connection = await aio_pika.connect(broker_url)
    async with connection:
        await _take_in_hand(connection)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        queue = await channel.declare_queue(DEAD_LETTERS, passive=True, timeout=ANSWER_SECONDS)
        yield DeadLetters(channel, queue, queue.declaration_result.message_count or 0)


async def _take_in_hand(connection: AbstractConnection) -> None:
    """Who has just ended is not forgotten by the broker at once: commands may follow upon each other."""
    async with asyncio.timeout(ANSWER_SECONDS):
        for tries_left in reversed(range(TRIES)):
            try:
                await (await connection.channel()).declare_queue(IN_HAND, exclusive=True)
                return
            except ChannelLockedResource as error:
                if not tries_left:
                    raise InHand("Another dead-letters command is at work: wait until it has ended.") from error
                await asyncio.sleep(0.1)
