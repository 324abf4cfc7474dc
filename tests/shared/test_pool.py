"""A request that finds all of a database's connections taken waits a while, and is told to come again."""

from contextlib import AsyncExitStack

import httpx2 as httpx
from sqlalchemy import text

from services.billing import api
from services.billing.settings import BillingApiSettings
from shared.auth import Caller, Role
from tests.client import Client, refusal
from tests.installation import Installation, settings


async def test_who_waits_in_vain_for_a_connection_is_told_to_come_again(installation: Installation) -> None:
    urls = {"database_url": installation.database_url("billing"), "caller_public_keys": installation.public_key}
    app = api.create(settings(BillingApiSettings, **urls))
    database = app.state.database
    database.engine.pool._timeout = 0.1
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://billing"))
        client = Client(http, installation, "billing", Caller("oper", Role.OPERATOR))
        path = "/customers/00000000-0000-4000-8000-000000000000/balance"
        async with AsyncExitStack() as taken:
            for _ in range(database.engine.pool.size()):
                session = await taken.enter_async_context(database.transaction())
                await session.execute(text("SELECT 1"))
            answer = await client.ask("GET", path)
            assert refusal(answer) == (503, "unavailable")
            assert answer.headers["retry-after"]
        assert (await client.ask("GET", path)).status_code == 200
    await database.close()
