"""What the services' roles may do in the databases, tried for real: each verb on every table, and ways to more rights.

A table that is not in `RIGHTS` fails the first test.
"""

import re
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.installation import PACKAGES, Installation

PLUMBING = """
outbox                  SELECT INSERT DELETE
outbox_archive          SELECT INSERT
inbox                   SELECT INSERT DELETE
suspects                SELECT INSERT UPDATE DELETE
idempotency_keys        SELECT INSERT UPDATE DELETE
acts                    SELECT INSERT
alembic_version
"""
RIGHTS = {
    "orders": PLUMBING
    + """
customers               SELECT INSERT UPDATE
orders                  SELECT INSERT UPDATE
items                   SELECT INSERT UPDATE
imported_customers      SELECT INSERT
imported_invoices       SELECT INSERT
imported_cancellations  SELECT INSERT
""",
    "billing": PLUMBING
    + """
accounts                SELECT INSERT UPDATE
transfers               SELECT INSERT
invoices                SELECT INSERT UPDATE
seals                   SELECT INSERT
sealed_accounts         SELECT INSERT UPDATE
holds                   SELECT INSERT UPDATE(state,decided_by,decided_at,decision_note,transfer_id,released_version)
""",
    "support": PLUMBING
    + """
tickets                 SELECT INSERT UPDATE
messages                SELECT INSERT
operations              SELECT INSERT
counts                  SELECT INSERT UPDATE
shop_count              SELECT UPDATE
""",
    "gateway": PLUMBING
    + """
accounts                SELECT INSERT UPDATE
sessions                SELECT INSERT DELETE
findings                SELECT INSERT UPDATE
rounds                  SELECT INSERT UPDATE
""",
}
# Each would do nothing to anybody, were it allowed; UPDATE is tried on every column.
VERBS = {
    "SELECT": "SELECT 1 FROM {table} WHERE false",
    "INSERT": "INSERT INTO {table} SELECT",
    "UPDATE": "UPDATE {table} SET {column} = NULL WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table}",
    "ALTER": "ALTER TABLE {table} ADD COLUMN backdoor text",
    "DISABLE TRIGGER": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "DROP CONSTRAINT": "ALTER TABLE {table} DROP COLUMN {column} CASCADE",
    "DROP": "DROP TABLE {table} CASCADE",
    "RENAME": "ALTER TABLE {table} RENAME TO elsewhere",
    "CHANGE OWNER": "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "CREATE TRIGGER": "CREATE TRIGGER backdoor BEFORE INSERT ON {table}"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE": "CREATE RULE backdoor AS ON DELETE TO {table} DO INSTEAD NOTHING",
    "CREATE INDEX": "CREATE INDEX ON {table} ({column})",
    "CREATE POLICY": "CREATE POLICY backdoor ON {table}",
    "READ A FILE": "COPY {table} FROM '/etc/passwd'",
    "READ A PROGRAM": "COPY {table} FROM PROGRAM 'cat /etc/passwd'",
    "WRITE A FILE": "COPY {table} TO '/tmp/stolen'",
    "LOCK": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT",
}
# A lock as strong as this one is anybody's who may change or delete rows.
WITH = {"LOCK": {"UPDATE", "DELETE", "TRUNCATE"}}
GREED = {
    "make a table": "CREATE TABLE mine (n int)",
    "make a temporary table": "CREATE TEMPORARY TABLE mine (n int)",
    "make a function": "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a schema": "CREATE SCHEMA mine",
    "make an extension": "CREATE EXTENSION dblink",
    "make a role": "CREATE ROLE mine SUPERUSER",
    "make a database": "CREATE DATABASE mine",
    "be the owner": "SET ROLE {service}_owner",
    "be the administrator": "SET ROLE purser",
    "be a superuser": "ALTER ROLE {service} SUPERUSER",
    "know no triggers": "SET session_replication_role = replica",
    "read passwords": "SELECT rolpassword FROM pg_authid",
    "read passwords otherwise": "SELECT passwd FROM pg_shadow",
    "change another's password": "ALTER ROLE {other} PASSWORD 'mine'",
    "change the owner's password": "ALTER ROLE {service}_owner PASSWORD 'mine'",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "load a file": "SELECT lo_import('/etc/passwd')",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "change a setting": "ALTER SYSTEM SET log_statement = 'all'",
    "end another's session": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{other}'",
    "change the archive's keeper": "ALTER FUNCTION keep_outbox_archive(integer) SECURITY INVOKER",
    "change the schema's version": "UPDATE alembic_version SET version_num = '0000'",
}


@pytest.fixture(params=PACKAGES)
async def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def connect(installation: Installation, service: str, database: str = "") -> asyncpg.Connection:
    url = installation.database_url(service).replace("+asyncpg", "")
    return await asyncpg.connect(re.sub(r"/[^/]*$", f"/{database}", url) if database else url)


@pytest.fixture
async def role(installation: Installation, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the service's role."""
    connection = await connect(installation, service)
    yield connection
    await connection.close()


async def refused(role: asyncpg.Connection, statement: str) -> bool:
    """Whether the database says that it is not permitted."""
    try:
        await role.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    except asyncpg.PostgresError:
        return False
    return False


async def refused_or_undone(role: asyncpg.Connection, statement: str) -> bool:
    """The same; whatever it does is undone."""
    undone = role.transaction()
    await undone.start()
    try:
        return await refused(role, statement)
    finally:
        await undone.rollback()


async def tables(role: asyncpg.Connection) -> dict[str, list[str]]:
    """Every table, with its columns that are not computed."""
    rows = await role.fetch(
        "SELECT c.relname, array_agg(a.attname::text) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' GROUP BY c.relname"
    )
    return dict(rows)


def rights(service: str) -> dict[str, set[str]]:
    return {name: set(verbs) for name, *verbs in (line.split() for line in RIGHTS[service].split("\n") if line)}


def tries(columns: list[str], may: set[str]) -> Iterator[tuple[str, str, str, bool]]:
    """A verb, the statement that tries it, a column, and whether it is allowed."""
    changeable = next((set(verb[7:-1].split(",")) for verb in may if verb.startswith("UPDATE(")), set())
    for verb, statement in VERBS.items():
        if verb == "UPDATE":
            for column in columns:
                yield verb, statement, column, "UPDATE" in may or column in changeable
        else:
            yield verb, statement, columns[0], bool(WITH.get(verb, {verb}) & may)


async def test_every_table_is_in_the_list_and_every_entry_is_a_table(role: asyncpg.Connection, service: str) -> None:
    """A day of the archive is reached through the archive only."""
    days = {name for name in await tables(role) if name.startswith("outbox_archive_")}
    assert set(await tables(role)) - days == set(rights(service))


async def test_on_each_table_a_service_may_do_what_the_list_says_and_nothing_else(
    role: asyncpg.Connection, service: str
) -> None:
    wrong = []
    for table, columns in (await tables(role)).items():
        may = rights(service).get(table, set())
        for verb, statement, column, allowed in tries(columns, may):
            if await refused_or_undone(role, statement.format(table=table, column=column)) == allowed:
                wrong.append(f"{service}: {verb} {table}.{column} should be {'allowed' if allowed else 'refused'}")
    assert wrong == []


async def test_a_service_gets_no_more_rights(role: asyncpg.Connection, service: str) -> None:
    other = "support" if service != "support" else "billing"
    wrong = [
        what
        for what, statement in GREED.items()
        if what != "end another's session" and not await refused(role, statement.format(service=service, other=other))
    ]
    assert wrong == []


async def test_a_service_neither_ends_nor_watches_anothers_session(
    role: asyncpg.Connection, service: str, installation: Installation
) -> None:
    other = "support" if service != "support" else "billing"
    theirs = await connect(installation, other)
    await theirs.execute("SELECT 'a secret of the other service'")
    try:
        assert await refused(role, GREED["end another's session"].format(service=service, other=other))
        seen = await role.fetch("SELECT query FROM pg_stat_activity WHERE usename = $1", other)
        assert seen
        assert not [query for (query,) in seen if "secret" in query]
    finally:
        await theirs.close()


async def test_a_service_reaches_no_other_database(installation: Installation, service: str) -> None:
    others = [f"{name}_{installation.worker}" for name in PACKAGES if name != service] + ["postgres", "template1"]
    for database in others:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connect(installation, service, database)
