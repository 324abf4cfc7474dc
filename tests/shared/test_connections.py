"""Whoever sends or reads too slowly is hung up on, and holds nobody up; who merely pauses between requests is not."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
from fastapi import Body, FastAPI
from fastapi.responses import StreamingResponse

from shared import connections
from shared.health import Health
from shared.web import web_app
from tests.installation import serving

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
KIND = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
POST = KIND + b"Content-Length: 10\r\n\r\n"
SOON = 0.3


class Client:
    """A socket to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hears(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: its status, headers and JSON."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, json.loads(body)

    async def is_refused(self, status: int, code: str) -> None:
        """By a problem, and by hanging up. (Whoever goes on sending may not get to read the problem.)"""
        found, headers, body = await self.hears()
        assert (found, headers["content-type"], body["code"]) == (status, "application/problem+json", code)
        await self.is_left()

    async def is_left(self) -> None:
        async with asyncio.timeout(5):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionError:
                pass

    async def is_served(self) -> None:
        await self.say(HEAD + b"\r\n")
        assert (await self.hears())[2] == {"status": "alive"}


@asynccontextmanager
async def nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[tuple[str, int]]:
    """A server that echoes bodies, and that has an endless answer."""
    app = web_app("A test", nothing, Health({}))

    @app.post("/echo")
    async def echo(said: Annotated[str, Body()]) -> str:
        return said

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def much() -> AsyncIterator[bytes]:
            try:
                while True:
                    await asyncio.sleep(0)
                    yield b"x" * 1_000
            finally:
                app.state.ended.set()

        app.state.ended = asyncio.Event()
        ADDRESS_APP["app"] = app
        return StreamingResponse(much())

    async with serving(app) as url:
        where = urlsplit(url)
        yield where.hostname or "", where.port or 0


ADDRESS_APP: dict[str, FastAPI] = {}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SENDING_SECONDS", SOON)
    monkeypatch.setattr(connections, "READING_SECONDS", SOON)


async def connected(stack: AsyncExitStack, address: tuple[str, int]) -> Client:
    reader, writer = await asyncio.open_connection(*address)
    stack.callback(writer.close)
    return Client(reader, writer)


async def trickle(client: Client, data: bytes) -> None:
    """A byte now and then, until they hang up."""
    for byte in data * 100:
        await asyncio.sleep(SOON / 10)
        if client.reader.at_eof():
            return
        client.writer.write(bytes([byte]))


async def test_fifty_who_trickle_their_heads_are_left_and_hold_nobody_up(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    slow = [await connected(stack, address) for _ in range(50)]
    for client in slow:
        await client.say(HEAD)
    trickling = [asyncio.create_task(trickle(client, b"x")) for client in slow]
    await (await connected(stack, address)).is_served()
    await asyncio.gather(*(client.is_left() for client in slow))
    await asyncio.gather(*trickling, return_exceptions=True)


async def test_fifty_who_trickle_their_bodies_are_left(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    slow = [await connected(stack, address) for _ in range(50)]
    for client in slow:
        await client.say(POST.replace(b"10", b"9999") + b"{")
    trickling = [asyncio.create_task(trickle(client, b"x")) for client in slow]
    await (await connected(stack, address)).is_served()
    await asyncio.gather(*(client.is_left() for client in slow))
    await asyncio.gather(*trickling, return_exceptions=True)


async def test_half_a_body_is_told_that_it_is_too_slow(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    client = await connected(stack, address)
    await client.say(POST + b"{")
    await client.is_refused(408, "request_too_slow")


async def test_who_says_nothing_at_all_is_left_without_a_word(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    silent = await connected(stack, address)
    assert await silent.reader.read() == b""


async def test_who_sends_something_that_is_no_request_between_two_is_left(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    client = await connected(stack, address)
    await client.is_served()
    await client.say(b"\r\n")
    await client.is_left()


async def test_a_connection_may_be_idle_between_requests(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    client = await connected(stack, address)
    for _ in range(2):
        await client.is_served()
        await asyncio.sleep(2 * SOON)
    await client.say(POST + b'"01234567"')
    assert (await client.hears())[2] == "01234567"


async def test_a_body_sent_after_its_refusal_ends_with_the_deadline(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    client = await connected(stack, address)
    await client.say(KIND + b"Content-Length: 99999999\r\n\r\n")
    assert (await client.hears())[0] == 413
    await asyncio.gather(trickle(client, b"x"), client.is_left(), return_exceptions=True)
    await client.is_left()


@pytest.mark.parametrize("slow", [False, True], ids=["never", "slowly"])
async def test_who_does_not_read_an_answer_is_left(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None, slow: bool
) -> None:
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.setblocking(False)
    stack.callback(deaf.close)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, address)
    await loop.sock_sendall(deaf, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    await loop.sock_recv(deaf, 1)
    async with asyncio.timeout(5):
        while not ADDRESS_APP["app"].state.ended.is_set():
            await asyncio.sleep(SOON / 10)
            if slow:
                await loop.sock_recv(deaf, 100)


async def test_who_reads_gets_it_however_long_it_is(
    address: tuple[str, int], stack: AsyncExitStack, impatient: None
) -> None:
    client = await connected(stack, address)
    await client.say(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    begun, read_bytes = asyncio.get_running_loop().time(), 0
    while asyncio.get_running_loop().time() < begun + 3 * SOON:
        read_bytes += len(await client.reader.read(20_000))
        await asyncio.sleep(SOON / 10)
    assert read_bytes > 100_000


@pytest.mark.parametrize(
    "request_line",
    [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n: x\r\n\r\n",
     b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ids=["nonsense", "version", "path", "header", "connect", "tls"],
)  # fmt: skip
async def test_what_is_not_http_is_refused_by_a_problem(
    address: tuple[str, int], stack: AsyncExitStack, request_line: bytes
) -> None:
    client = await connected(stack, address)
    await client.say(request_line)
    await client.is_refused(400, "malformed_request")


@pytest.mark.parametrize(
    "length",
    ["Content-Length: -1", "Content-Length: x", "Content-Length: 1\r\nContent-Length: 2", "Content-Length: 1e3",
     "Content-Length: 99999999999999999999999", "Transfer-Encoding: gzip",
     "Transfer-Encoding: chunked\r\nContent-Length: 1"],
)  # fmt: skip
async def test_a_length_that_can_be_read_in_two_ways_or_none_is_refused(
    address: tuple[str, int], stack: AsyncExitStack, length: str
) -> None:
    client = await connected(stack, address)
    await client.say(KIND + length.encode() + b"\r\n\r\n0")
    await client.is_refused(400, "malformed_request")


async def test_a_broken_chunk_is_refused_once(address: tuple[str, int], stack: AsyncExitStack) -> None:
    client = await connected(stack, address)
    await client.say(KIND + b"Transfer-Encoding: chunked\r\n\r\n")
    await client.say(b"3\r\nabc\r\nnonsense\r\n")
    await client.is_refused(400, "malformed_request")


@pytest.mark.parametrize("kind", ["one long header", "many headers", "trailers"])
async def test_headers_without_end_are_refused(address: tuple[str, int], stack: AsyncExitStack, kind: str) -> None:
    client = await connected(stack, address)
    begin, more = {
        "one long header": (HEAD + b"X: ", b"x" * 10_000),
        "many headers": (HEAD, b"X: y\r\n" * 2_000),
        "trailers": (
            KIND + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 2_000,
        ),
    }[kind]  # fmt: skip
    await client.say(begin)
    for _ in range(8):
        client.writer.write(more)
    await client.is_refused(431, "head_too_large")
