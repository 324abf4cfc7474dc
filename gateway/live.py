"""Live push: who is connected to this gateway, and what was told lately."""

import asyncio
import resource
from collections import defaultdict, deque
from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import islice
from uuid import UUID, uuid4

import structlog
from prometheus_client import Counter, Gauge

from gateway.errors import GatewayFull, TooManyStreams
from gateway.news import News
from gateway.streams import Stream, frame
from shared.auth import Caller
from shared.handover import chunk

REMEMBERED = 2_000
STREAMS_PER_LOGIN = 20
# Staff hear of everything: what happens within this after they were told something is told together.
TOGETHER_SECONDS = 0.05

# What is not a stream: requests, the database, the services.
OTHER_FILES = 500

log = structlog.get_logger()
streams_open = Gauge("purser_live_streams", "Browsers that listen")
pushed_total = Counter("purser_live_events_total", "Events told to those who listen")


@dataclass(frozen=True)
class Push:
    """Something to tell one customer, and all staff, who may hear more of it, or alone."""

    customer_id: UUID
    for_customer: News | None
    for_staff: News


@dataclass(frozen=True, slots=True)
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


class Live:
    """All streams of this process."""

    def __init__(self, most_streams: int = 10_000) -> None:
        self._most_streams = most_streams
        self._count = 0
        self._streams: defaultdict[UUID | None, set[Stream]] = defaultdict(set)
        self._open: defaultdict[str, int] = defaultdict(int)
        self._for_staff: list[bytes] = []
        self._staff_told_at = 0.0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Something may have been missed: forget what was told, and let every browser begin again from the present."""
        self._epoch = uuid4().hex[:12]
        self._offset = 0
        self._told: deque[_Told] = deque(maxlen=REMEMBERED)
        self._close(self._all())

    @property
    def place(self) -> str:
        """Where the newest thing stands; what a browser gives back as Last-Event-ID."""
        return f"{self._epoch}:{self._offset}"

    # --- What is told -------------------------------------------------------------------------------------------------

    def push(self, push: Push) -> None:
        """Tell all staff, and the customer whom it is about, if it is theirs to know."""
        self._offset += 1
        for_staff = frame(push.for_staff, self.place)
        for_customer: bytes | None = for_staff
        if push.for_customer is not push.for_staff:
            for_customer = frame(push.for_customer, self.place) if push.for_customer else None
        self._told.append(_Told(self._offset, push.customer_id, for_staff, for_customer))
        pushed_total.inc()
        if for_customer and (theirs := self._streams.get(push.customer_id)):
            told = chunk(for_customer)
            for stream in theirs:
                stream.tell(told)
        if None in self._streams:
            self._tell_staff_soon(for_staff)

    def _tell_staff_soon(self, told: bytes) -> None:
        self._for_staff.append(told)
        if len(self._for_staff) == 1:
            asyncio.get_running_loop().call_at(self._staff_told_at + TOGETHER_SECONDS, self._tell_staff)

    def _tell_staff(self) -> None:
        if self._for_staff:
            self._staff_told_at = asyncio.get_running_loop().time()
            told, events = chunk(b"".join(self._for_staff)), len(self._for_staff)
            self._for_staff.clear()
            for stream in self._streams.get(None, ()):
                stream.tell(told, events)

    def missed(self, caller: Caller, last_event_id: str) -> list[bytes] | None:
        """What the caller was not told since then; None where that is no longer known."""
        epoch, _, offset = last_event_id.partition(":")
        oldest = self._offset - len(self._told)
        if epoch != self._epoch or not offset.isdecimal() or not oldest <= int(offset[:18]) <= self._offset:
            return None
        later = islice(self._told, int(offset) - oldest, None)
        return [told for told in (each.to(caller) for each in later) if told is not None]

    # --- Who is told --------------------------------------------------------------------------------------------------

    def join(self, caller: Caller, token_hash: bytes) -> Stream:
        """From now on the stream is told; refuses `TooManyStreams` and `GatewayFull`."""
        if self._open.get(caller.login, 0) >= STREAMS_PER_LOGIN:
            raise TooManyStreams(STREAMS_PER_LOGIN)
        if self._count >= self._most_streams:
            raise GatewayFull
        # What others are still to be told is in this one's beginning.
        self._tell_staff()
        stream = Stream(caller, token_hash, self.leave)
        self._count += 1
        self._open[caller.login] += 1
        self._streams[caller.customer_id].add(stream)
        streams_open.inc()
        return stream

    def leave(self, stream: Stream) -> None:
        fellows = self._streams[stream.caller.customer_id]
        fellows.remove(stream)
        if not fellows:
            del self._streams[stream.caller.customer_id]
        streams_open.dec()
        self._count -= 1
        self._open[stream.caller.login] -= 1
        if not self._open[stream.caller.login]:
            del self._open[stream.caller.login]

    def sessions(self) -> set[bytes]:
        """The sessions in which browsers listen."""
        return {stream.token_hash for stream in self._all()}

    def end_sessions(self, token_hashes: Set[bytes]) -> None:
        self._close([stream for stream in self._all() if stream.token_hash in token_hashes])

    def _close(self, streams: Iterable[Stream]) -> None:
        for stream in streams:
            stream.close()

    def _all(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]


def room_for_streams(wanted: int) -> int:
    """As many as wanted, or as this process may have files open: each is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = max(most - OTHER_FILES, 1)
    if most == resource.RLIM_INFINITY or room >= wanted:
        return wanted
    log.warning(
        "fewer browsers can listen than PURSER_LIVE_STREAMS says: this process may not open enough files (ulimit -Hn)",
        streams=room,
        open_files=most,
    )
    return room
