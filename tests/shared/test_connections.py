"""Whoever sends or reads too slowly is hung up on, and holds nobody up; who merely pauses between requests is not."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from fastapi.responses import StreamingResponse

from shared import connections
from shared.health import Health
from shared.web import web_app
from tests.eventually import EVENTUALLY_SECONDS
from tests.installation import serving
from tests.shared.conftest import nothing
from tests.shared.sockets import HEAD, KIND, POST, Client, connected

SOON = 0.3


@dataclass
class Endless:
    """A server whose answer has no end, unless nobody takes it."""

    address: tuple[str, int]
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def much(self) -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield b"x" * 1_000
        finally:
            self.ended.set()


@pytest.fixture
async def endless() -> AsyncIterator[Endless]:
    app, made = web_app("A test", nothing, Health({})), Endless(("", 0))
    app.add_api_route("/endless", lambda: StreamingResponse(made.much()), response_class=StreamingResponse)
    async with serving(app) as url:
        where = urlsplit(url)
        made.address = where.hostname or "", where.port or 0
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SENDING_SECONDS", SOON)
    monkeypatch.setattr(connections, "READING_SECONDS", SOON)


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
    endless: Endless, stack: AsyncExitStack, impatient: None, slow: bool
) -> None:
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.setblocking(False)
    stack.callback(deaf.close)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, endless.address)
    await loop.sock_sendall(deaf, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    await loop.sock_recv(deaf, 1)
    async with asyncio.timeout(EVENTUALLY_SECONDS):
        while not endless.ended.is_set():
            await asyncio.sleep(SOON / 10)
            if slow:
                await loop.sock_recv(deaf, 100)


async def test_who_reads_gets_it_however_long_it_is(endless: Endless, stack: AsyncExitStack, impatient: None) -> None:
    client = await connected(stack, endless.address)
    await client.say(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    begun, read_bytes = asyncio.get_running_loop().time(), 0
    while asyncio.get_running_loop().time() < begun + 3 * SOON or read_bytes < 100_000:
        more = await client.reader.read(20_000)
        assert more, "it was hung up on"
        read_bytes += len(more)
        await asyncio.sleep(SOON / 10)
