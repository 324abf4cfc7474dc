"""One browser that listens.

A stream has no task: one that waits, with all that its request's way has left on the stack, would be most of its cost.
What is told is written to the connection as it happens, and a browser that does not take it is cut off.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from fastapi import Response
from fastapi.sse import format_sse_event
from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from gateway.news import Beacon, News
from shared.auth import Caller
from shared.handover import HANDOVER, LAST_CHUNK, Successor, chunk

# What may be told before the beginning is gathered, and what a connection may leave untaken after it.
WAITING_EVENTS = 256
WAITING_BYTES = 64_000
BEACON_SECONDS = 15.0

overflowed_total = Counter("purser_live_overflows_total", "Streams closed because their browser was too slow")


class Stream(Successor):
    """One connected browser, whose connection this is once the stream's beginning is written."""

    __slots__ = ("_beacon", "_ended", "_late", "_leave", "_open", "_waiting", "caller", "token_hash", "told")

    def __init__(self, caller: Caller, token_hash: bytes, leave: Callable[["Stream"], None]) -> None:
        self.caller, self.token_hash = caller, token_hash
        self.told = 0
        self._leave = leave
        self._waiting: list[bytes] = []
        self._open = self._ended = self._late = False
        self._beacon: asyncio.TimerHandle | None = None

    def tell(self, told: bytes, events: int = 1) -> None:
        """So many events, as a chunk that is written once for however many streams."""
        if self._ended:
            return
        self.told += events
        if self._open:
            self._transport.write(told)
        elif len(self._waiting) < WAITING_EVENTS:
            self._waiting.append(told)
        else:
            overflowed_total.inc()
            self.close()

    def close(self) -> None:
        """End it. What is not told any more will be in the next stream's beginning."""
        if not self._ended:
            self._ended = True
            self._waiting.clear()
            if self._open:
                self._end()

    def _end(self) -> None:
        self._transport.write(LAST_CHUNK)
        self._transport.close()

    def left(self) -> None:
        """Nobody listens any more."""
        self._open, self._ended = False, True
        if self._beacon is not None:
            self._beacon.cancel()
        self._leave(self)

    # --- The connection -----------------------------------------------------------------------------------------------

    def succeed(self, transport: asyncio.Transport, connections: set[object]) -> None:
        super().succeed(transport, connections)
        transport.set_write_buffer_limits(high=WAITING_BYTES)
        self._open = True
        transport.write(b"".join(self._waiting))
        self._waiting.clear()
        self._expect_beacon()
        if self._ended:
            self._end()

    def _expect_beacon(self) -> None:
        self._beacon = asyncio.get_running_loop().call_later(BEACON_SECONDS, self._tell_beacon)

    def _tell_beacon(self) -> None:
        """A sign of life; who did not take all that there was at two in a row is cut off."""
        was_late, self._late = self._late, self._transport.get_write_buffer_size() > 0
        if self._ended or (was_late and self._late):
            self._transport.abort()
        else:
            self._transport.write(_beacon(self.told))
            self._expect_beacon()

    def pause_writing(self) -> None:
        """More waits than may."""
        if not self._ended:
            overflowed_total.inc()
            self._ended = True
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.left()

    def shutdown(self) -> None:
        self.close()


class LiveResponse(Response):
    """The beginning of a stream that is joined already; the rest is the stream's own. It is left however it ends."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, gather: Callable[[], Awaitable[Sequence[bytes]]]) -> None:
        self._stream, self._gather = stream, gather
        self.status_code, self.background = 200, None
        self.init_headers({"X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            hand_over = scope["extensions"][HANDOVER]
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": _begin_again(), "more_body": True})
            beginning = await self._gather()
            self._stream.told += len(beginning)
            await send({"type": "http.response.body", "body": b"".join(beginning), "more_body": True})
            if not await hand_over(self._stream):
                self._stream.left()
        except BaseException:
            self._stream.left()
            raise


def frame(news: News, place: str | None = None) -> bytes:
    return format_sse_event(event=news.event(), data_str=news.model_dump_json(exclude_unset=True), id=place)


def _begin_again() -> bytes:
    """Tells the browser how long to wait after a stream has ended, so that not all come back at once."""
    return format_sse_event(retry=random.randint(500, 2_500))


@lru_cache(4_096)
def _beacon(told: int) -> bytes:
    return chunk(frame(Beacon(told=told)))
