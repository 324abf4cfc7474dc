"""What the services' roles may do in the databases, tried for real: each verb on every table, and ways to more rights.

A table that is not in `RIGHTS` fails the first test.
"""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from tests.installation import PACKAGES, Installation

PLUMBING = """
outbox                  SELECT INSERT DELETE
outbox_archive          SELECT INSERT
inbox                   SELECT INSERT DELETE
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
# Each would do nothing to anybody, were it allowed; "{column}" is one that the table has.
VERBS = {
    "SELECT": "SELECT 1 FROM {table} WHERE false",
    "INSERT": "INSERT INTO {table} SELECT * FROM {table} WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE false",
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


async def tables(role: asyncpg.Connection) -> dict[str, str]:
    """Every table, and a column of it that is not computed."""
    rows = await role.fetch(
        "SELECT c.relname, min(a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' GROUP BY c.relname"
    )
    return dict(rows)


def rights(service: str) -> dict[str, set[str]]:
    return {name: set(verbs) for name, *verbs in (line.split() for line in RIGHTS[service].split("\n") if line)}


async def test_every_table_is_in_the_list_and_every_entry_is_a_table(role: asyncpg.Connection, service: str) -> None:
    """A day of the archive is reached through the archive only."""
    days = {name for name in await tables(role) if name.startswith("outbox_archive_")}
    assert set(await tables(role)) - days == set(rights(service))


async def test_on_each_table_a_service_may_do_what_the_list_says_and_nothing_else(
    role: asyncpg.Connection, service: str
) -> None:
    wrong = []
    for table, column in (await tables(role)).items():
        may = rights(service).get(table, set())
        for verb, statement in VERBS.items():
            allowed = bool(WITH.get(verb, {verb}) & may)
            # INSERT ... SELECT reads too, and UPDATE names a column.
            if verb in ("INSERT", "UPDATE") and "SELECT" not in may:
                continue
            if await refused_or_undone(role, statement.format(table=table, column=column)) == allowed:
                wrong.append(f"{service}: {verb} {table} should be {'allowed' if allowed else 'refused'}")
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


# --- What money can never be, whoever asks ----------------------------------------------------------------------------

GOOD = {
    "id": "$transfer",
    "customer_id": "$customer",
    "account_version": 1,
    "debit_account": "$shop",
    "credit_account": "$customer",
    "amount_minor": 5,
    "currency": "'USD'",
    "kind": "'deposit'",
    "balance_after_minor": 5,
    "made_by": "'somebody'",
}
NEVER = {
    "nothing": {"amount_minor": 0},
    "less than nothing": {"amount_minor": -5},
    "more than a number holds": {"amount_minor": 2**63},
    "a part of the smallest unit": {"amount_minor": "'NaN'::float8"},
    "another currency on both sides": {"currency": "'EUR'"},
    "from one currency into another": {"debit_account": "$foreign_shop"},
    "from nowhere": {"debit_account": "NULL"},
    "from an account that there is not": {"debit_account": "gen_random_uuid()"},
    "to oneself": {"debit_account": "$customer"},
    "between others": {"customer_id": "$other_customer"},
    "in the wrong direction": {"kind": "'withdrawal'"},
    "of an unknown kind": {"kind": "'gift'"},
    "paid for no order": {"kind": "'payment'", "debit_account": "$customer", "credit_account": "$shop"},
    "a deposit for an order": {"order_number": "'ORD-0000000001'"},
    "by nobody": {"made_by": "NULL"},
}
ACCOUNTS = {
    "overdrawn": "UPDATE accounts SET balance_minor = -1 WHERE id = '{customer}'",
    "held beyond the balance": "UPDATE accounts SET held_minor = balance_minor + 1 WHERE id = '{customer}'",
    "held below nothing": "UPDATE accounts SET held_minor = -1 WHERE id = '{customer}'",
    "beyond what JSON tells exactly": "UPDATE accounts SET balance_minor = 9007199254740992 WHERE id = '{customer}'",
    "the shop's with a balance": "UPDATE accounts SET balance_minor = 1 WHERE id = '{shop}'",
    "of another currency than its transfers": "UPDATE accounts SET currency = 'EUR' WHERE id = '{customer}'",
}


@pytest.fixture
async def ledger(installation: Installation) -> AsyncIterator[tuple[asyncpg.Connection, dict[str, str]]]:
    """Billing's role in a transaction that is undone, with a customer's account, one transfer, and the shop's."""
    connection = await connect(installation, "billing")
    undone = connection.transaction()
    await undone.start()
    names = {name: str(uuid4()) for name in ("customer", "other_customer", "shop", "foreign_shop", "transfer")}
    for name, (kind, currency) in {
        "customer": ("customer", "USD"),
        "other_customer": ("customer", "USD"),
        "shop": ("cash", "USD"),
        "foreign_shop": ("cash", "EUR"),
    }.items():
        await connection.execute(
            "INSERT INTO accounts (id, kind, currency) VALUES ($1, $2, $3)", names[name], kind, currency
        )
    yield connection, names
    await undone.rollback()
    await connection.close()


def transfer(names: dict[str, str], **other: object) -> str:
    values = {**GOOD, **other}
    said = [re.sub(r"^\$(\w+)$", lambda found: f"'{names[found[1]]}'", str(value)) for value in values.values()]
    return f"INSERT INTO transfers ({', '.join(values)}) VALUES ({', '.join(said)})"


async def test_a_transfer_that_cannot_be_is_refused(ledger: tuple[asyncpg.Connection, dict[str, str]]) -> None:
    connection, names = ledger
    for what, other in NEVER.items():
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)):
            async with connection.transaction():
                await connection.execute(transfer(names, **other))
            raise AssertionError(what)
    await connection.execute(transfer(names))
    with pytest.raises(asyncpg.UniqueViolationError):
        async with connection.transaction():
            await connection.execute(transfer(names, id=f"'{uuid4()}'"))


async def test_a_balance_that_cannot_be_is_refused(ledger: tuple[asyncpg.Connection, dict[str, str]]) -> None:
    connection, names = ledger
    await connection.execute(transfer(names))
    for what, statement in ACCOUNTS.items():
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
            async with connection.transaction():
                await connection.execute(statement.format(**names))
            raise AssertionError(what)
