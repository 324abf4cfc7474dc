"""Orders and billing without workers, so that only the tests carry what they tell."""

from collections.abc import AsyncIterator

import pytest

from shared.db import Database
from tests.installation import Installation
from tests.sagas.shop import Shop


@pytest.fixture(scope="session")
async def shop(installation: Installation) -> AsyncIterator[Shop]:
    apart = Installation(installation.servers, f"{installation.worker}_sagas")
    await apart.create()
    orders, billing = [Database(apart.database_url(name), pool_size=20) for name in ("orders", "billing")]
    yield Shop(orders, billing)
    await orders.close()
    await billing.close()
    await apart.drop()
