"""One running Purser per test worker; every test makes customers and orders of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.installation import Installation
from tests.system import System, running_system


@pytest.fixture(scope="session")
async def purser(installation: Installation) -> AsyncIterator[System]:
    async with running_system(installation) as system:
        yield system
