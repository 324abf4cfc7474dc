"""What has been dealt with is acknowledged, by one frame for all that is done at one time."""

import asyncio
from itertools import takewhile

import structlog
from aiormq.abc import AbstractChannel

from shared import failpoints
from shared.failure import kind_of

log = structlog.get_logger()


class Acknowledgements:
    """Of one channel's deliveries, all from one queue."""

    def __init__(self, channel: AbstractChannel, queue: str) -> None:
        self._channel, self._queue = channel, queue
        # In the order of delivery: whether it is done.
        self._in_hand: dict[int, bool] = {}
        self._telling: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def take(self, tag: int) -> None:
        self._in_hand[tag] = False
        self._idle.clear()

    def done(self, tag: int) -> None:
        """The broker is told in a moment, together with whatever else is done by then."""
        self._in_hand[tag] = True
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    async def reject(self, tag: int) -> None:
        await self._channel.basic_reject(tag, requeue=False)
        self._forget([tag])

    async def nothing_in_hand(self) -> None:
        await self._idle.wait()

    async def _tell(self) -> None:
        """Only one of these at a time: what one has yet to send, "all up to here" of another would send before it."""
        while done := [tag for tag, is_done in self._in_hand.items() if is_done]:
            failpoints.hit("before_ack", self._queue)
            in_a_row = list(takewhile(self._in_hand.__getitem__, self._in_hand))
            try:
                if in_a_row:
                    await self._channel.basic_ack(in_a_row[-1], multiple=True)
                for tag in done[len(in_a_row) :]:
                    await self._channel.basic_ack(tag)
            except Exception as error:
                log.warning("not acknowledged, so it comes again", queue=self._queue, error=kind_of(error))
            failpoints.hit("after_ack", self._queue)
            self._forget(done)
        self._telling = None

    def _forget(self, tags: list[int]) -> None:
        for tag in tags:
            del self._in_hand[tag]
        if not self._in_hand:
            self._idle.set()
