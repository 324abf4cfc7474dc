"""Where one copy of a service does not answer, another is asked: whatever may be done twice, and what has not begun."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import aiohttp
import httpx2 as httpx
import pytest

from gateway.replicas import Replicas
from shared.auth import Role
from tests.gateway.conftest import Gateway, Person, code
from tests.link import linked

NOBODY = "http://127.0.0.1:1"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
DONE = _HEAD % 2 + b"{}"
# To one payment, which is asked as one of many are.
PAID = _HEAD % 28 + b'[{"status":200,"body":"{}"}]'
STOPPING = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
HANGS_UP = b""


class Replica:
    """Answers every request with the same bytes, and counts those that were not about its health."""

    def __init__(self, says: bytes) -> None:
        self.says, self.asked, self.url = says, 0, ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked += not head.startswith(b"GET /readyz")
                writer.write(PAID if self.says == DONE and b"POST /payments " in head else self.says)
                await writer.drain()
                if self.says != DONE:
                    break
        writer.close()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as whole:
        yield whole


@asynccontextmanager
async def replica(says: bytes = DONE) -> AsyncIterator[Replica]:
    one = Replica(says)
    async with await asyncio.start_server(one.answer, "127.0.0.1") as server:
        one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield one


@pytest.fixture
async def person(gateway: Gateway) -> Person:
    return await gateway.person(Role.ADMIN)


async def pay(person: Person, key: str | None = None) -> httpx.Response:
    return await person.ask("POST", "/api/admin/orders/ORD-0000000023/payments", {}, key=key)


async def read_ticket(person: Person) -> httpx.Response:
    """Changes something, and bears no key."""
    return await person.ask("POST", f"/api/admin/tickets/{uuid4()}/read")


def stand_behind(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *urls: str) -> Replicas:
    """These are all services now."""
    replicas = Replicas("billing", ",".join(urls))
    for service in ("orders", "billing", "support"):
        monkeypatch.setitem(gateway.app.state.clients._replicas, service, replicas)
    return replicas


async def test_every_replica_has_its_turn(
    gateway: Gateway, person: Person, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = [await stack.enter_async_context(replica()) for _ in range(3)]
    stand_behind(gateway, monkeypatch, *(one.url for one in several))
    for _ in range(6):
        assert (await pay(person)).status_code == 200
    assert [one.asked for one in several] == [2, 2, 2]


async def test_whatever_finds_nobody_there_asks_another(
    gateway: Gateway, person: Person, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await stack.enter_async_context(replica())
    for ask in (pay, read_ticket):
        stand_behind(gateway, monkeypatch, NOBODY, there.url)
        assert (await ask(person)).status_code == 200
    assert there.asked == 2


@pytest.mark.parametrize("says", [HANGS_UP, STOPPING], ids=["hangs up", "stops over it"])
async def test_only_what_has_one_effect_is_asked_again_when_an_answer_is_lost(
    gateway: Gateway, person: Person, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    gone, there = await stack.enter_async_context(replica(says)), await stack.enter_async_context(replica())
    stand_behind(gateway, monkeypatch, gone.url, there.url)
    assert (await pay(person)).status_code == 200
    assert (gone.asked, there.asked) == (1, 1)
    stand_behind(gateway, monkeypatch, gone.url, there.url)
    assert code(await read_ticket(person)) == (503, "unavailable")
    assert (gone.asked, there.asked) == (2, 1)


async def test_a_connection_that_breaks_is_tried_once_more_where_there_is_but_one(
    gateway: Gateway, person: Person, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await stack.enter_async_context(replica(HANGS_UP))
    stand_behind(gateway, monkeypatch, gone.url)
    assert code(await pay(person)) == (503, "unavailable")
    assert gone.asked == 2


async def test_who_is_frozen_costs_a_wait_once(
    gateway: Gateway, person: Person, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await stack.enter_async_context(replica())
    wire = await stack.enter_async_context(linked("127.0.0.1", int(there.url.rpartition(":")[2])))
    replicas = stand_behind(gateway, monkeypatch, f"http://127.0.0.1:{wire.local_port}", there.url)
    monkeypatch.setattr(gateway.app.state.clients._link.http, "_timeout", aiohttp.ClientTimeout(total=2))
    with wire.silent():
        assert (await pay(person)).status_code == 200
        for _ in range(4):
            assert replicas.in_turn()[0] == there.url
            assert (await pay(person)).status_code == 200
    assert there.asked == 5


async def test_who_was_silent_is_asked_again_once_it_is_ready(stack: AsyncExitStack) -> None:
    one, other = [await stack.enter_async_context(replica()) for _ in range(2)]
    replicas = Replicas("orders", f"{one.url}, {other.url}")
    http = await stack.enter_async_context(aiohttp.ClientSession())
    replicas.was_silent(one.url)
    one.says = STOPPING
    await replicas.look(http)
    assert {replicas.in_turn()[0] for _ in range(4)} == {other.url}
    one.says = DONE
    await replicas.look(http)
    assert {replicas.in_turn()[0] for _ in range(4)} == {one.url, other.url}


async def test_behind_a_name_are_all_its_hosts_as_they_come_and_go(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    replicas = Replicas("orders", "http://orders-api:8000")
    http = await stack.enter_async_context(aiohttp.ClientSession())
    loop = asyncio.get_running_loop()

    async def asked(*hosts: str) -> set[str]:
        found: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 8000)) for host in hosts]
        found.append((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fd00::1", 8000, 0, 0)))
        with monkeypatch.context() as patched:
            patched.setattr(type(loop), "getaddrinfo", AsyncMock(return_value=found))
            await replicas.look(http)
        return {address for _ in range(4) for address in replicas.in_turn()}

    assert replicas.in_turn() == ["http://orders-api:8000"] * 2
    assert await asked("10.0.0.1", "10.0.0.2") == {"http://10.0.0.1:8000", "http://10.0.0.2:8000"}
    assert await asked("10.0.0.2", "10.0.0.3") == {"http://10.0.0.2:8000", "http://10.0.0.3:8000"}
