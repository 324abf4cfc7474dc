"""Everything that the interfaces say they take, and much that they do not: no answer but as they say.

Longer, with another seed each time: `make fuzz FOR=120`. Live streams are left out, because they do not end.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import auth
from shared.auth import Caller, Role
from tests.installation import SERVICES, Installation, serving
from tests.system import System, service_api

CONFIG = Path(__file__).with_name("schemathesis.toml")
SECONDS = int(os.environ.get("PURSER_FUZZ_SECONDS", "0"))


class Signed:
    """A service's API before which the gateway stands, and signs for whatever is asked."""

    def __init__(self, app: ASGIApp, installation: Installation, service: str, caller: Caller) -> None:
        self.app, self.installation, self.service, self.caller = app, installation, service, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            received = await _whole(receive)
            headers = dict(scope["headers"])
            signed = auth.sign(
                self.installation.key,
                self.caller,
                self.service,
                scope["method"],
                scope["path"],
                query=scope["query_string"].decode("latin-1"),
                idempotency_key=headers.get(b"idempotency-key", b"").decode("latin-1"),
                body=b"".join(message.get("body", b"") for message in received),
            )
            scope["headers"] = [*scope["headers"], (b"authorization", f"Bearer {signed}".encode())]
            waiting = iter(received)

            async def receive_again() -> Message:
                return next(waiting, None) or await receive()

            await self.app(scope, receive_again, send)
        else:
            await self.app(scope, receive, send)


async def _whole(receive: Receive) -> list[Message]:
    received = [await receive()]
    while received[-1].get("more_body"):
        received.append(await receive())
    return received


async def run(url: str, folder: Path, *more: str) -> None:
    """schemathesis against the interface at this address, as a program of its own."""
    told = ["--config-file", str(CONFIG), "run", f"{url}/openapi.json", "--no-color", "--warnings", "off", *more]
    told += ["--max-time", str(SECONDS)] if SECONDS else ["--generation-deterministic", "--max-examples", "3"]
    running = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("st"),
        *told,
        # It remembers what went wrong, and tries that first.
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    assert running.returncode == 0, said.decode()


@pytest.fixture
async def shop(purser: System) -> AsyncIterator[System]:
    """A Purser whose staff are put right again afterwards: what is tried may change their roles, or disable them."""
    yield purser
    await purser.make_staff()


# Left out besides what does not end: what would end the session of the rest, or lock everybody out for a minute.
@pytest.mark.parametrize(("role", "others"), [("admin", "portal"), ("customer", "admin")])
async def test_the_gateway_answers_as_it_says(shop: System, tmp_path: Path, role: str, others: str) -> None:
    customer = await shop.new_customer(100_000)
    await shop.new_order(customer, 100, 200)
    person = customer if role == "customer" else shop.admin
    left_out = f"(/live|^/api/(session|token|{others}/.*))$"
    signed_in = f"Authorization: {person.http.headers['Authorization']}"
    await run(shop.url, tmp_path, "--exclude-path-regex", left_out, "--header", signed_in)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_answers_as_it_says(shop: System, tmp_path: Path, service: str) -> None:
    signed = Signed(service_api(shop.installation, service), shop.installation, service, Caller("admin", Role.ADMIN))
    async with serving(signed) as url:
        await run(url, tmp_path)
