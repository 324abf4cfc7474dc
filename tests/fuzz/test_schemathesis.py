"""Everything that the interfaces say they take, and much that they do not: no answer but as they say.

Longer, with another seed each time: `make fuzz FOR=120`. Live streams are left out, because they do not end.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.auth import Caller, Role
from tests.fuzz.signed import Signed
from tests.installation import SERVICES, serving
from tests.system import System, service_api

CONFIG = Path(__file__).with_name("schemathesis.toml")
SECONDS = int(os.environ.get("PURSER_FUZZ_SECONDS", "0"))


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
