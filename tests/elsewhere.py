"""A Purser that runs elsewhere, to be tried by what is tried on the tests' own: `make acceptance`.

Its staff's passwords become the tests', and customers and orders of theirs stay: it must not be a shop of somebody's.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from deploy.local.secrets import Secrets
from shared.db import Database
from tests.installation import PACKAGES
from tests.system import System, opened_system

URL = os.environ.get("PURSER_TEST_URL")
of_this_process = pytest.mark.skipif(URL is not None, reason="the logs and metrics of a Purser elsewhere are not here")


class OutOfReach:
    """Its wires and keys: whatever asks for them is a test for the tests' own Purser."""

    def __getattr__(self, name: str) -> NoReturn:
        pytest.skip("of a Purser that runs elsewhere this cannot be had")

    __getitem__ = __getattr__


def out_of_reach() -> Any:
    return OutOfReach()


@asynccontextmanager
async def system_elsewhere(url: str) -> AsyncIterator[System]:
    """The one at `url`; its secrets are in the file PURSER_TEST_SECRETS, its PostgreSQL at PURSER_TEST_DATABASES."""
    secrets = Secrets.model_validate_json(Path(os.environ["PURSER_TEST_SECRETS"]).read_text())
    place = os.environ["PURSER_TEST_DATABASES"]
    async with AsyncExitStack() as stack:
        databases = {
            name: Database(f"postgresql+asyncpg://{name}:{secrets.databases[name]}@{place}/{name}") for name in PACKAGES
        }
        yield await opened_system(stack, out_of_reach(), url, databases, out_of_reach())
