"""The databases and roles: each service reaches its own database, as a role that owns nothing in it.

What a service may do with its tables, its migrations grant, table by table. Where `make up` does not make them,
`python -m deploy.postgres.provision` does.
"""

import asyncio
from typing import Annotated

import asyncpg
from pydantic import Field, Json

from shared.settings import Form, Settings, load

SERVICES = ("orders", "billing", "support", "gateway")
# Anybody's number would do: it keeps two provisioners from making the same role at once.
LOCK = 7_091_623
# The statement that sets a password holds it.
UNLOGGED = {"log_statement": "none", "log_min_error_statement": "panic", "log_min_duration_statement": "-1"}


async def provision(admin_url: str, passwords: dict[str, str], suffix: str = "") -> None:
    """Make or renew each `<service>` and `<service>_owner` role and the database `<service><suffix>`.

    Each service has a second role, `<service>_2`, with the first one's rights: while its password changes, both are
    good. Whichever has no password here cannot sign in.
    """
    admin = await asyncpg.connect(admin_url, server_settings=UNLOGGED)
    try:
        await admin.execute(f"select pg_advisory_lock({LOCK})")
        await admin.execute("revoke connect on database postgres, template1 from public")
        for service in SERVICES:
            await _make_role(admin, service, passwords.get(service))
            await _make_role(admin, second_role(service), passwords.get(second_role(service)))
            await admin.execute(f'grant "{service}" to "{second_role(service)}"')
            await _make_role(admin, f"{service}_owner", passwords[f"{service}_owner"])
            await _make_database(admin, service, f"{service}{suffix}")
    finally:
        await admin.close()


def second_role(service: str) -> str:
    return f"{service}_2"


async def _make_role(admin: asyncpg.Connection, role: str, password: str | None) -> None:
    if not await admin.fetchval("select true from pg_roles where rolname = $1", role):
        await admin.execute(f'create role "{role}"')
    if password is None:
        await admin.execute(f'alter role "{role}" nologin password null')
        return
    secret = await admin.fetchval("select quote_literal($1::text)", password)
    await admin.execute(f'alter role "{role}" login password {secret}')


async def _make_database(admin: asyncpg.Connection, service: str, database: str) -> None:
    if not await admin.fetchval("select true from pg_database where datname = $1", database):
        await admin.execute(f'create database "{database}" owner "{service}_owner"')
    await admin.execute(f'revoke all on database "{database}" from public')
    await admin.execute(f'grant connect on database "{database}" to "{service}", "{service}_owner"')


class ProvisionSettings(Settings):
    """What `python -m deploy.postgres.provision` can be told."""

    admin_url: Annotated[str, Field(repr=False), Form("postgresql://USER:PASSWORD@HOST:PORT/postgres")]
    """PostgreSQL, with its superuser."""
    passwords: Annotated[Json[dict[str, str]], Field(repr=False), Form('JSON, {"ROLE": "PASSWORD"}')]
    """Of every service's two roles: its own, and the one that owns its tables (`billing`, `billing_owner`)."""


if __name__ == "__main__":
    settings = load(ProvisionSettings)
    asyncio.run(provision(settings.admin_url, settings.passwords))
