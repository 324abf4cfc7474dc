"""Browsers that cost next to nothing: the answer of a POST, and what a live stream tells, read by the byte."""

import asyncio
import json
from collections import defaultdict
from typing import Any

PATIENCE_SECONDS = 30.0


class Connection(asyncio.Protocol):
    """Sends one request at a time over one connection, and takes whole answers."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0 or self._answer is None:
            return
        head = bytes(self._buffer[:head_end]).lower()
        begin = head.find(b"content-length:") + 15
        end = head_end + 4 + int(head[begin:].split(b"\r\n", 1)[0])
        if len(self._buffer) >= end:
            body = bytes(self._buffer[head_end + 4 : end])
            del self._buffer[:end]
            answer, self._answer = self._answer, None
            if not answer.done():
                answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the gateway hung up"))

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request(method, path, headers, body))
        return await self._answer


class Stream(asyncio.Protocol):
    """A live stream; knows of each order the newest status that it was told, and who waits for which."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: defaultdict[tuple[str, str], asyncio.Future[None]] = defaultdict(
            asyncio.get_running_loop().create_future
        )
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.events = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *events, rest = self._buffer.split(b"\n\n")
        self._buffer = rest
        for event in events:
            if b"event: order_changed" in event:
                self._take(json.loads(event[event.index(b"data: ") + 6 :].split(b"\n")[0]))
            elif b"event: snapshot" in event and not self.begun.done():
                self.begun.set_result(None)
            self.events += 1

    def _take(self, order: dict[str, Any]) -> None:
        if (waiting := self._waiting.pop((order["number"], order["status"]), None)) is not None:
            waiting.set_result(None)

    def shows(self, number: str, status: str) -> asyncio.Future[None]:
        """Done once the order is shown so."""
        return self._waiting[number, status]

    def close(self) -> None:
        self.transport.close()


async def connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


async def listen(port: int, token: str, base: str = "/api/portal") -> Stream:
    """A stream that has begun."""
    transport, stream = await asyncio.get_running_loop().create_connection(Stream, "127.0.0.1", port)
    transport.write(request("GET", f"{base}/live", signed_in(token), b""))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stream.begun
    return stream


def signed_in(token: str) -> dict[str, str]:
    return {"Cookie": f'purser="{token}"'}


def request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
