"""Migrations, the same way in every service: by the owner's role, one at a time, each in its own transaction."""

import asyncio

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.settings import MigrationSettings, load
from shared.telemetry import configure_logging


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
        await connection.execute(text("SELECT pg_advisory_lock(hashtext('migrations'))"))
        await connection.commit()
        await connection.run_sync(lambda sync: command.upgrade(config(package, sync), "head"))
        await connection.commit()
    await engine.dispose()


def main(package: str) -> None:
    """`python -m <package>.migrations`."""
    settings = load(MigrationSettings)
    configure_logging(f"{package.rpartition('.')[2]}-migrate", settings.log_format, settings.log_level)
    asyncio.run(upgrade(package, settings.migration_url))


def grant(role: str, rights: dict[str, str]) -> None:
    """Give the service's role these rights on these tables: it owns none of them."""
    for table, what in rights.items():
        op.execute(f'GRANT {what} ON {table} TO "{role}"')


def create_archive_keeper(role: str) -> None:
    """The function by which a role that owns nothing makes the outbox archive's coming days and drops its old ones."""
    op.execute(
        """
        CREATE FUNCTION keep_outbox_archive(days_kept integer) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            day date;
            old text;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('outbox archive'));
            FOR day IN SELECT generate_series(current_date, current_date + 2, interval '1 day')::date LOOP
                EXECUTE format(
                    'CREATE TABLE IF NOT EXISTS %I PARTITION OF outbox_archive FOR VALUES FROM (%L) TO (%L)',
                    'outbox_archive_' || to_char(day, 'YYYYMMDD'), day, day + 1);
            END LOOP;
            FOR old IN SELECT inhrelid::regclass::text FROM pg_inherits
                       WHERE inhparent = 'outbox_archive'::regclass
                         AND inhrelid::regclass::text < 'outbox_archive_' || to_char(current_date - days_kept, 'YYYYMMDD')
                         AND inhrelid::regclass::text ~ '^outbox_archive_[0-9]{8}$' LOOP
                EXECUTE format('DROP TABLE %I', old);
            END LOOP;
        END $$
        """
    )
    op.execute("CREATE TABLE outbox_archive_other PARTITION OF outbox_archive DEFAULT")
    op.execute("SELECT keep_outbox_archive(14)")
    op.execute("REVOKE ALL ON FUNCTION keep_outbox_archive(integer) FROM PUBLIC")
    op.execute(f'GRANT EXECUTE ON FUNCTION keep_outbox_archive(integer) TO "{role}"')


PLUMBING_RIGHTS = {
    "outbox": "SELECT, INSERT, DELETE",
    "outbox_archive": "SELECT, INSERT",
    "inbox": "SELECT, INSERT, DELETE",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
    "acts": "SELECT, INSERT",
}
