"""Many browsers that listen, and some that do not read: others are answered all the same."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from gateway.live import STREAMS_PER_LOGIN, Live, Push
from gateway.news import OrderChanged
from gateway.streams import WAITING_BYTES, Stream
from shared.auth import Role
from shared.contracts.orders import OrderStatus
from tests.eventually import EVENTUALLY_SECONDS, eventually
from tests.gateway.conftest import Gateway, Person

IDLE_STREAMS = 1_000


@pytest.fixture
def many_files() -> Iterator[None]:
    """A stream is two open files here: both of its ends are in this process."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


async def listen(gateway: Gateway, person: Person, stack: ExitStack) -> socket.socket:
    """A stream that nobody reads yet."""
    where = urlsplit(str(gateway.http.base_url))
    browser = socket.socket()
    browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    browser.setblocking(False)
    stack.callback(browser.close)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(browser, (where.hostname, where.port))
    asked = f"GET /api/admin/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\n\r\n"
    await loop.sock_sendall(browser, asked.encode())
    return browser


async def all_open(live: Live, count: int) -> None:
    async def look() -> bool:
        return len(live._all()) == count

    await eventually(look, f"{count} streams are open")


def order_changed() -> Push:
    told = OrderChanged(
        number="ORD-0000000001", customer_id=uuid4(), status=OrderStatus.PAID, version=1, total_minor=1, paid_minor=1,
        remaining_minor=0,
    )  # fmt: skip
    return Push(told.customer_id, told, told)


async def test_a_thousand_idle_streams_leave_the_gateway_answering(gateway: Gateway, many_files: None) -> None:
    live: Live = gateway.app.state.live
    with ExitStack() as stack:
        for _ in range(IDLE_STREAMS // STREAMS_PER_LOGIN):
            person = await gateway.person(Role.OPERATOR)
            for _ in range(STREAMS_PER_LOGIN):
                await listen(gateway, person, stack)
        await all_open(live, IDLE_STREAMS)
        async with asyncio.timeout(EVENTUALLY_SECONDS):
            assert (await person.ask("GET", "/api/session")).status_code == 200
            refused = await person.ask("GET", "/api/admin/live")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
    await all_open(live, 0)


async def test_a_browser_that_does_not_read_is_cut_off_and_costs_a_little_at_most(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    live: Live = gateway.app.state.live
    person = await gateway.person(Role.OPERATOR)
    with ExitStack() as stack:
        await listen(gateway, person, stack)
        found: list[Stream] = []

        async def is_open() -> bool:
            found[:] = [stream for stream in live._all() if stream.caller.login == person.login]
            return bool(found)

        await eventually(is_open, "its stream is open")
        [stream] = found
        begun = asyncio.get_running_loop().time()
        while stream in live._all():
            assert asyncio.get_running_loop().time() < begun + EVENTUALLY_SECONDS, "it was not cut off"
            assert stream._transport.get_write_buffer_size() <= WAITING_BYTES + 1_000
            live.push(order_changed())
            await asyncio.sleep(0.0005)
