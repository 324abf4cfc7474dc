"""Live push: who is connected to this gateway, and what was told lately.

Every stream is one browser's; a slow one costs a queue of bounded length, then it is closed and begins again.
"""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from uuid import UUID, uuid4

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from prometheus_client import Counter, Gauge
from starlette.types import Receive, Scope, Send

from gateway.errors import GatewayFull, TooManyStreams
from gateway.news import Beacon, News
from shared.auth import Caller

REMEMBERED = 2_000
WAITING = 256
STREAMS_PER_LOGIN = 20
BEACON_SECONDS = 15.0

streams_open = Gauge("purser_live_streams", "Browsers that listen")
pushed_total = Counter("purser_live_events_total", "Events told to those who listen")
overflowed_total = Counter("purser_live_overflows_total", "Streams closed because their browser was too slow")


@dataclass(frozen=True)
class Push:
    """Something to tell one customer, and all staff, who may hear more of it, or alone."""

    customer_id: UUID
    for_customer: News | None
    for_staff: News


@dataclass(frozen=True)
class _Told:
    """A push as bytes, written once for however many streams."""

    offset: int
    customer_id: UUID
    for_staff: bytes
    for_customer: bytes | None

    def to(self, caller: Caller) -> bytes | None:
        if caller.is_staff:
            return self.for_staff
        return self.for_customer if caller.customer_id == self.customer_id else None


class Stream:
    """One connected browser."""

    def __init__(self, caller: Caller, token_hash: bytes) -> None:
        self.caller = caller
        self.token_hash = token_hash
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)

    def tell(self, told: bytes) -> None:
        try:
            self._waiting.put_nowait(told)
        except asyncio.QueueFull:
            overflowed_total.inc()
            self.close()

    def close(self) -> None:
        """End it after what is being sent; what waits is forgotten, and will be in the next stream's beginning."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def frames(self, told: int = 0) -> AsyncIterator[bytes]:
        """What is told from now on, after so many events already; and now and then a `Beacon`."""
        clock = asyncio.get_running_loop().time
        beacon_at = clock() + BEACON_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(beacon_at):
                    event = await self._waiting.get()
            except TimeoutError:
                event = b""
            if event is None:
                return
            if event:
                told += 1
                yield event
            if clock() >= beacon_at:
                beacon_at = clock() + BEACON_SECONDS
                yield frame(Beacon(told=told))


class Live:
    """All streams of this process."""

    def __init__(self, most_streams: int = 10_000) -> None:
        self._most_streams = most_streams
        self._count = 0
        self._streams: defaultdict[UUID | None, set[Stream]] = defaultdict(set)
        self._open: defaultdict[str, int] = defaultdict(int)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Something may have been missed: forget what was told, and let every browser begin again from the present."""
        self._epoch = uuid4().hex[:12]
        self._offset = 0
        self._told: deque[_Told] = deque(maxlen=REMEMBERED)
        self.close(self._all())

    @property
    def place(self) -> str:
        """Where the newest thing stands; what a browser gives back as Last-Event-ID."""
        return f"{self._epoch}:{self._offset}"

    def push(self, push: Push) -> None:
        """Tell all staff, and the customer whom it is about, if it is theirs to know."""
        self._offset += 1
        for_staff = frame(push.for_staff, self.place)
        for_customer: bytes | None = for_staff
        if push.for_customer is not push.for_staff:
            for_customer = frame(push.for_customer, self.place) if push.for_customer else None
        self._told.append(_Told(self._offset, push.customer_id, for_staff, for_customer))
        pushed_total.inc()
        for key, told in ((None, for_staff), (push.customer_id, for_customer)):
            if told is not None:
                for stream in self._streams.get(key, ()):
                    stream.tell(told)

    def join(self, stream: Stream) -> None:
        """From now on the stream is told; refuses `TooManyStreams` and `GatewayFull`."""
        if self._open[stream.caller.login] >= STREAMS_PER_LOGIN:
            raise TooManyStreams(STREAMS_PER_LOGIN)
        if self._count >= self._most_streams:
            raise GatewayFull
        self._count += 1
        self._open[stream.caller.login] += 1
        self._streams[stream.caller.customer_id].add(stream)
        streams_open.inc()

    def leave(self, stream: Stream) -> None:
        streams_open.dec()
        self._count -= 1
        self._open[stream.caller.login] -= 1
        if not self._open[stream.caller.login]:
            del self._open[stream.caller.login]
        fellows = self._streams[stream.caller.customer_id]
        fellows.discard(stream)
        if not fellows:
            del self._streams[stream.caller.customer_id]

    def missed(self, caller: Caller, last_event_id: str) -> list[bytes] | None:
        """What the caller was not told since then; None where that is no longer known."""
        epoch, _, offset = last_event_id.partition(":")
        oldest = self._offset - len(self._told)
        if epoch != self._epoch or not offset.isdecimal() or not oldest <= int(offset[:18]) <= self._offset:
            return None
        later = islice(self._told, int(offset) - oldest, None)
        return [told for told in (each.to(caller) for each in later) if told is not None]

    async def end_with(self, stopping: asyncio.Event) -> None:
        """End every stream when this process is to stop: the browsers go to another one, or come back."""
        await stopping.wait()
        self.close(self._all())

    def sessions(self) -> set[bytes]:
        """The sessions in which browsers listen."""
        return {stream.token_hash for stream in self._all()}

    def end_sessions(self, token_hashes: Collection[bytes]) -> None:
        self.close([stream for stream in self._all() if stream.token_hash in token_hashes])

    def close(self, streams: Iterable[Stream]) -> None:
        for stream in streams:
            stream.close()

    def _all(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]


def frame(news: News, place: str | None = None) -> bytes:
    return format_sse_event(event=news.event(), data_str=news.model_dump_json(exclude_unset=True), id=place)


def begin_again_frame() -> bytes:
    """Tells the browser how long to wait after a stream has ended, so that not all come back at once."""
    return format_sse_event(retry=random.randint(500, 2_500))


class LiveResponse(StreamingResponse):
    """A stream that is joined already, and is left however it ends.

    FastAPI's own would write every event anew for each browser.
    """

    media_type = "text/event-stream"

    def __init__(self, live: Live, stream: Stream, frames: AsyncIterator[bytes]) -> None:
        super().__init__(frames, headers={"X-Accel-Buffering": "no"})
        self._live, self._stream = live, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.leave(self._stream)
