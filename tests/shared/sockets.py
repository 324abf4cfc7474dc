"""HTTP by hand, on a socket."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

from tests.eventually import EVENTUALLY_SECONDS

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
KIND = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
POST = KIND + b"Content-Length: 10\r\n\r\n"


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
        async with asyncio.timeout(EVENTUALLY_SECONDS):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionError:
                pass

    async def is_served(self) -> None:
        await self.say(HEAD + b"\r\n")
        assert (await self.hears())[2] == {"status": "alive"}


async def connected(stack: AsyncExitStack, address: tuple[str, int]) -> Client:
    reader, writer = await asyncio.open_connection(*address)
    stack.callback(writer.close)
    return Client(reader, writer)
