"""The tables are what the models say, and the services own none of them."""

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.migrations import config
from tests.installation import PACKAGES, Installation


@pytest.mark.parametrize("service", PACKAGES)
async def test_migrations_are_in_step_with_the_models(installation: Installation, service: str) -> None:
    engine = create_async_engine(installation.database_url(service, owner=True), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.check(config(PACKAGES[service], sync)))
    await engine.dispose()


@pytest.mark.parametrize("service", PACKAGES)
async def test_a_service_owns_nothing_and_reaches_no_other_database(installation: Installation, service: str) -> None:
    engine = create_async_engine(installation.database_url(service), poolclass=NullPool)
    async with engine.connect() as connection:
        owned = await connection.scalar(text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user"))
        reachable = await connection.scalars(
            text(
                "SELECT datname FROM pg_database WHERE has_database_privilege(datname, 'CONNECT') AND NOT datistemplate"
            )
        )
        others = [name for name in reachable if name.partition("_")[0] in PACKAGES]
    await engine.dispose()
    assert owned == 0
    assert {name.partition("_")[0] for name in others} == {service}
