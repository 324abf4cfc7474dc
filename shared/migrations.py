"""Migrations, the same way in every service: by the owner's role, one at a time, each in its own transaction."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import structlog
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.failure import sqlstate
from shared.settings import MigrationSettings, load
from shared.telemetry import configure_logging

LOCK_SECONDS = 2
TRIES = 30
TURN_SECONDS = 0.2
LOCK_NOT_AVAILABLE = "55P03"

log = structlog.get_logger()


def config(package: str, connection: Connection) -> Config:
    """Alembic's configuration for `package` (for example `services.billing`); there is no ini file."""
    settings = Config()
    settings.set_main_option("script_location", f"{package}:migrations")
    settings.attributes["connection"] = connection
    return settings


def run_environment(metadata: MetaData) -> None:
    """What a service's `migrations/env.py` does."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
        include_name=lambda name, kind, _: not (kind == "table" and (name or "").startswith("outbox_archive_")),
    )
    with context.begin_transaction():
        context.run_migrations()


async def upgrade(package: str, migration_url: str) -> None:
    """Bring the database to the newest schema; several at once take turns."""
    engine = create_async_engine(migration_url, poolclass=NullPool)
    async with engine.connect() as connection:
        # Whoever waits in a statement has a snapshot, and what is done CONCURRENTLY waits for that.
        while not await connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('migrations'))")):
            await connection.commit()
            await asyncio.sleep(TURN_SECONDS)
        # While it waits for a table, everybody else waits behind it.
        await connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
        await connection.commit()
        for tries_left in reversed(range(TRIES)):
            try:
                await connection.run_sync(lambda sync: command.upgrade(config(package, sync), "head"))
                await connection.commit()
                break
            except DBAPIError as error:
                await connection.rollback()
                if sqlstate(error) != LOCK_NOT_AVAILABLE or not tries_left:
                    raise
                log.warning("a table is in use: the migration is tried again", package=package)
                await asyncio.sleep(LOCK_SECONDS)
    await engine.dispose()


def main(package: str) -> None:
    """`python -m <package>.migrations`."""
    settings = load(MigrationSettings)
    configure_logging(f"{package.rpartition('.')[2]}-migrate", settings.log_format, settings.log_level)
    asyncio.run(upgrade(package, settings.migration_url))


@contextmanager
def concurrently() -> Iterator[None]:
    """For what is done CONCURRENTLY: outside of a transaction, and as long as it takes, because nobody waits behind it.

    What breaks off is begun anew, and may have left something: drop an index, if it exists, before it is made.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")


def grant(role: str, rights: dict[str, str]) -> None:
    """Give the service's role these rights on these tables: it owns none of them."""
    for table, what in rights.items():
        op.execute(f'GRANT {what} ON {table} TO "{role}"')


def create_plumbing(role: str) -> None:
    """The tables of `db.service_metadata`, as they were in version 1, with the rights of the service's role on them."""
    for statement in PLUMBING_1.split(";\n\n"):
        op.execute(statement)
    op.execute(f'GRANT EXECUTE ON FUNCTION keep_outbox_archive(integer) TO "{role}"')
    grant(
        role,
        {
            "outbox": "SELECT, INSERT, DELETE",
            "outbox_archive": "SELECT, INSERT",
            "inbox": "SELECT, INSERT, DELETE",
            "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
            "acts": "SELECT, INSERT",
        },
    )


def create_suspects(role: str) -> None:
    """The table of `shared/suspects.py`, as it was first."""
    op.create_table(
        "suspects",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("begun", sa.Integer(), server_default="1", nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_suspects")),
    )
    grant(role, {"suspects": "SELECT, INSERT, UPDATE, DELETE"})


# Applied migrations never change, so neither does this text; what comes later is a migration of its own.
PLUMBING_1 = """
CREATE TABLE outbox (
    position bigint GENERATED BY DEFAULT AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
    event_id uuid NOT NULL,
    aggregate text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    routing_key text NOT NULL,
    at timestamptz NOT NULL,
    body text NOT NULL,
    correlation_id text,
    CONSTRAINT uq_outbox_aggregate_subject_version UNIQUE (aggregate, subject, version)
);

CREATE TABLE outbox_archive (
    position bigint NOT NULL,
    event_id uuid NOT NULL,
    aggregate text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    routing_key text NOT NULL,
    at timestamptz NOT NULL,
    body text NOT NULL,
    correlation_id text,
    sent_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_outbox_archive PRIMARY KEY (sent_at, position)
) PARTITION BY RANGE (sent_at);

CREATE TABLE outbox_archive_other PARTITION OF outbox_archive DEFAULT;

CREATE TABLE inbox (
    event_id uuid CONSTRAINT pk_inbox PRIMARY KEY,
    taken_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ix_inbox_taken_at ON inbox (taken_at);

CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    answer text,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (scope, key)
);

CREATE INDEX ix_idempotency_keys_claimed_at ON idempotency_keys (claimed_at);

CREATE TABLE acts (
    id bigint GENERATED BY DEFAULT AS IDENTITY CONSTRAINT pk_acts PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    login text NOT NULL,
    role text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    note text,
    details jsonb NOT NULL
);

CREATE INDEX ix_acts_subject ON acts (subject);

-- By this function a role that owns nothing makes the archive's coming days, and drops its old ones.
CREATE FUNCTION keep_outbox_archive(days_kept integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    day date;
    old text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('outbox archive'));
    FOR day IN SELECT generate_series(current_date, current_date + 2, interval '1 day')::date LOOP
        BEGIN
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF outbox_archive FOR VALUES FROM (%L) TO (%L)',
                'outbox_archive_' || to_char(day, 'YYYYMMDD'), day, day + 1);
        EXCEPTION WHEN check_violation THEN
            NULL; -- Nobody kept house for days, and the day has begun in the partition for all others: it stays there.
        END;
    END LOOP;
    DELETE FROM outbox_archive_other WHERE sent_at < current_date - days_kept;
    FOR old IN SELECT inhrelid::regclass::text FROM pg_inherits
               WHERE inhparent = 'outbox_archive'::regclass
                 AND inhrelid::regclass::text ~ '^outbox_archive_[0-9]{8}$'
                 AND inhrelid::regclass::text < 'outbox_archive_' || to_char(current_date - days_kept, 'YYYYMMDD') LOOP
        EXECUTE format('DROP TABLE %I', old);
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION keep_outbox_archive(integer) FROM PUBLIC;

SELECT keep_outbox_archive(14)
"""
