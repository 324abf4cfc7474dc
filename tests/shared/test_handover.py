"""An answer that is begun by a task, and goes on without one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Response
from starlette.types import Receive, Scope, Send

from shared.handover import HANDOVER, LAST_CHUNK, Successor, chunk
from shared.health import Health
from shared.web import web_app
from tests.eventually import EVENTUALLY_SECONDS, eventually
from tests.installation import serving
from tests.shared.conftest import nothing
from tests.shared.sockets import Client, connected

ASK = b"GET /on HTTP/1.1\r\nHost: x\r\n\r\n"


class Rest(Successor):
    """What comes after the beginning."""

    lost = False

    def write(self, body: bytes) -> None:
        self._transport.write(chunk(body))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost = True

    def shutdown(self) -> None:
        self._transport.write(LAST_CHUNK)
        self._transport.close()


@dataclass
class Begun(Response):
    """An answer that is handed over when the test lets it."""

    rest: Rest = field(default_factory=Rest)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    outlives_its_client: bool = False
    taken: bool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await self.may_go_on.wait()
        while self.outlives_its_client and (await receive())["type"] != "http.disconnect":
            pass
        self.taken = await scope["extensions"][HANDOVER](self.rest)

    async def is_taken(self) -> bool:
        return self.taken is not None

    async def is_lost(self) -> bool:
        return self.rest.lost


@dataclass
class Server:
    """A server that is ended by the test."""

    begun: Begun
    clients: AsyncExitStack
    serving: AsyncExitStack
    address: tuple[str, int]

    async def asked(self) -> Client:
        """A client to whom the beginning has come."""
        client = await connected(self.clients, self.address)
        await client.say(ASK)
        await client.reader.readuntil(chunk(b"begun"))
        return client


@pytest.fixture
async def server(stack: AsyncExitStack) -> AsyncIterator[Server]:
    begun, app = Begun(), web_app("A test", nothing, Health({}))
    _answer_with(app, begun)
    async with AsyncExitStack() as serving_it:
        where = urlsplit(await serving_it.enter_async_context(serving(app)))
        yield Server(begun, stack, serving_it, (where.hostname or "", where.port or 0))


def _answer_with(app: FastAPI, begun: Begun) -> None:
    async def answer() -> Response:
        begun.background = None
        return begun

    app.add_api_route("/on", answer, response_class=Response)


async def test_what_is_written_afterwards_comes_after_the_beginning_and_is_the_same_answer(server: Server) -> None:
    client = await server.asked()
    server.begun.may_go_on.set()
    await eventually(server.begun.is_taken, "it is handed over")
    server.begun.rest.write(b"more")
    assert await client.reader.readuntil(chunk(b"more")) == chunk(b"more")
    server.begun.rest.shutdown()
    assert await client.reader.read() == LAST_CHUNK
    await eventually(server.begun.is_lost, "its connection has ended")


async def test_a_client_that_has_gone_before_is_not_handed_over(server: Server) -> None:
    client = await server.asked()
    server.begun.outlives_its_client = True
    client.writer.transport.abort()
    server.begun.may_go_on.set()
    await eventually(server.begun.is_taken, "it has seen that nobody is there")
    assert server.begun.taken is False
    assert not server.begun.rest.lost


async def test_a_client_that_goes_afterwards_is_noticed_also_when_it_asked_for_more(server: Server) -> None:
    client = await server.asked()
    await client.say(ASK * 3)
    server.begun.may_go_on.set()
    await eventually(server.begun.is_taken, "it is handed over")
    client.writer.transport.abort()
    await eventually(server.begun.is_lost, "its end is noticed")


@pytest.mark.parametrize("early", [True, False], ids=["before", "afterwards"])
async def test_who_is_told_to_stop_ends_it_be_it_handed_over_or_not(server: Server, early: bool) -> None:
    client = await server.asked()
    if not early:
        server.begun.may_go_on.set()
        await eventually(server.begun.is_taken, "it is handed over")
    async with asyncio.timeout(EVENTUALLY_SECONDS):
        ending = asyncio.create_task(server.serving.aclose())
        if early:
            await asyncio.sleep(0.2)
            server.begun.may_go_on.set()
        assert await client.reader.read() == LAST_CHUNK
        await ending
