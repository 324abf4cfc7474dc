"""A wire that a test can break: whoever connects to it is connected on, as well as the wire allows."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

# With this, closing resets the connection rather than ending it in order.
RESET = struct.pack("ii", 1, 0)
PIECE_SECONDS = 0.05


@dataclass(frozen=True)
class Pace:
    """How slow a wire is."""

    latency_seconds: float
    bytes_per_second: float

    @property
    def piece_bytes(self) -> int:
        return max(1, int(self.bytes_per_second * PIECE_SECONDS))


class Link:
    """Forwards TCP to one address."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.local_port = 0
        self.is_cut = False
        self.is_silent = False
        self.pace: Pace | None = None
        self.bytes_until_cut: int | None = None
        self.ends: set[_End] = set()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Reset every connection, and refuse new ones until the end of the block."""
        self.is_cut = True
        self.reset()
        try:
            yield
        finally:
            self.is_cut = False

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Swallow what is sent, either way, and tell nobody. Connections that were there meanwhile stay deaf and dumb
        for ever, as those are that a firewall has forgotten; later ones work."""
        self.is_silent = True
        for end in self.ends:
            end.silent = True
        try:
            yield
        finally:
            self.is_silent = False

    def silent_after_next(self) -> None:
        """Pass on what each connection that is there sends next, and swallow the answer and all that follows."""
        for end in self.ends:
            end.last_words = end.has_called

    @contextmanager
    def slow(self, latency_seconds: float = 0.0, bytes_per_second: float = 1e9) -> Iterator[None]:
        """Let everything take its time, in pieces; at the end of the block what is on its way arrives."""
        self.pace = Pace(latency_seconds, bytes_per_second)
        try:
            yield
        finally:
            self.pace = None
            for end in list(self.ends):
                end.arrive_all()

    def cut_after(self, more_bytes: int) -> None:
        """Reset every connection once so many bytes more have passed, wherever that is in what they mean."""
        self.bytes_until_cut = more_bytes

    def reset(self) -> None:
        for end in list(self.ends):
            end.reset()

    def forget_the_dead(self) -> None:
        """Reset what is deaf and dumb and whose other end is gone, as its keepalives find out in time."""
        for end in list(self.ends):
            if end.silent and end.other is not None and end.other not in self.ends:
                end.reset()

    def passing(self, data: bytes) -> bytes:
        """What of it still passes."""
        if self.bytes_until_cut is None:
            return data
        passed = data[: self.bytes_until_cut]
        self.bytes_until_cut -= len(passed)
        return passed

    def passed(self) -> None:
        if self.bytes_until_cut == 0:
            self.bytes_until_cut = None
            self.reset()


class _End(asyncio.Protocol):
    """One end of a connection: what arrives here leaves at the other."""

    transport: asyncio.Transport

    def __init__(self, link: Link, other: "_End | None" = None) -> None:
        self.link, self.other = link, other
        self.silent = link.is_silent
        self.has_called = other is None
        self.last_words = False
        self._on_its_way: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._joining: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.link.is_cut:
            self.reset()
            return
        self.link.ends.add(self)
        if self.other is None:
            transport.pause_reading()
            self._joining = asyncio.get_running_loop().create_task(self._join())

    async def _join(self) -> None:
        """Connect on; until then nothing is read."""
        try:
            _, self.other = await asyncio.get_running_loop().create_connection(
                lambda: _End(self.link, self), self.link.host, self.link.port
            )
        except OSError:
            self.reset()
            return
        if self.transport.is_closing():
            self.other.reset()
        else:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.silent:
            return
        pace = self.link.pace
        if pace is None:
            self._arrive(data)
            return
        now = asyncio.get_running_loop().time()
        for begin in range(0, len(data), pace.piece_bytes):
            piece = data[begin : begin + pace.piece_bytes]
            self._free_at = max(now, self._free_at) + len(piece) / pace.bytes_per_second
            self._on_its_way.append((self._free_at + pace.latency_seconds, piece))
        self._wait_for_next()

    def _wait_for_next(self) -> None:
        if self._timer is None and self._on_its_way:
            self._timer = asyncio.get_running_loop().call_at(self._on_its_way[0][0], self._arrive_next)

    def _arrive_next(self) -> None:
        self._timer = None
        self._arrive(self._on_its_way.popleft()[1])
        self._wait_for_next()

    def arrive_all(self) -> None:
        """What was on its way is there."""
        while self._on_its_way:
            self._arrive(self._on_its_way.popleft()[1])
        self._forget_what_is_on_its_way()

    def _arrive(self, data: bytes) -> None:
        assert self.other is not None
        if not self.silent:
            self.other.transport.write(self.link.passing(data))
            self.link.passed()
        if self.last_words:
            self.silent = self.other.silent = True

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.link.ends.discard(self)
        self._forget_what_is_on_its_way()
        if self.other is None or self.silent:
            return
        if error is None:
            self.other.transport.close()
        else:
            self.other.reset()

    def _forget_what_is_on_its_way(self) -> None:
        self._on_its_way.clear()
        self._free_at = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def reset(self) -> None:
        connection = self.transport.get_extra_info("socket")
        if connection is not None and not self.transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


@asynccontextmanager
async def linked(host: str, port: int) -> AsyncIterator[Link]:
    link = Link(host, port)
    server = await asyncio.get_running_loop().create_server(lambda: _End(link), "127.0.0.1", 0)
    link.local_port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        with link.cut():
            server.close()
            await server.wait_closed()
