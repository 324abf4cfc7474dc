"""A wire that breaks as it says: the tests that break wires prove nothing otherwise."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.eventually import EVENTUALLY_SECONDS, eventually
from tests.link import Link, linked


@asynccontextmanager
async def echo() -> AsyncIterator[Link]:
    """A wire to somebody who says everything back."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except ConnectionResetError:
            pass
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, linked(*server.sockets[0].getsockname()) as link:
        yield link


class Caller:
    """Somebody at the near end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, what: bytes, patience: float = EVENTUALLY_SECONDS) -> bytes:
        """What comes back."""
        self.writer.write(what)
        async with asyncio.timeout(patience):
            return await self.reader.readexactly(len(what))

    async def is_unheard(self) -> None:
        """Nothing comes back for a while."""
        with pytest.raises(TimeoutError):
            await self.say(b"hello", patience=0.5)


@asynccontextmanager
async def calling(link: Link) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.local_port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()


async def test_a_whole_wire_passes_everything_on() -> None:
    much = bytes(range(256)) * 10_000
    async with echo() as link, calling(link) as caller:
        assert await caller.say(much) == much


async def test_a_cut_wire_resets_its_connections_and_takes_no_new_ones() -> None:
    async with echo() as link, calling(link) as caller:
        assert await caller.say(b"hello") == b"hello"
        with link.cut():
            with pytest.raises(ConnectionResetError):
                await caller.say(b"hello")
            async with calling(link) as late:
                with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                    await late.say(b"hello")
        async with calling(link) as later:
            assert await later.say(b"hello") == b"hello"


async def test_a_silent_wire_tells_nobody_and_who_was_on_it_stays_unheard() -> None:
    async with echo() as link, calling(link) as caller:
        assert await caller.say(b"hello") == b"hello"
        with link.silent():
            async with calling(link) as late:
                await late.is_unheard()
        await caller.is_unheard()
        async with calling(link) as later:
            assert await later.say(b"hello") == b"hello"


async def test_of_a_silent_wire_one_end_is_forgotten_when_the_other_is_gone() -> None:
    async with echo() as link, calling(link) as stays:
        async with calling(link) as leaves:
            for caller in (stays, leaves):
                assert await caller.say(b"hello") == b"hello"
            with link.silent():
                pass

        async def only_one_is_left() -> bool:
            link.forget_the_dead()
            return len(link.ends) == 2

        await eventually(only_one_is_left, "both ends of who stays")


async def test_a_slow_wire_takes_its_time_and_loses_nothing() -> None:
    async with echo() as link, calling(link) as caller:
        begun = time.monotonic()
        with link.slow(latency_seconds=0.1):
            assert await caller.say(b"hello") == b"hello"
        assert time.monotonic() - begun >= 0.2
        with link.slow(bytes_per_second=100), pytest.raises(TimeoutError):
            await caller.say(bytes(1_000), patience=0.5)
        async with asyncio.timeout(EVENTUALLY_SECONDS):
            assert await caller.reader.readexactly(1_000) == bytes(1_000)


async def test_a_wire_breaks_in_the_middle_of_what_is_said() -> None:
    async with echo() as link, calling(link) as caller:
        link.cut_after(8)
        caller.writer.write(b"hello")
        assert await caller.reader.readexactly(3) == b"hel"
        with pytest.raises(ConnectionResetError):
            await caller.reader.readexactly(1)
        async with calling(link) as later:
            assert await later.say(b"hello") == b"hello"
