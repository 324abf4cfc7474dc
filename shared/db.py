"""One database per service: its engine, its transactions, and the tables that every service has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    event,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shared.failure import sqlstate

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Whose kernel says nothing for 15 s is gone, and what it held is free. No other limit counts while PostgreSQL waits
# for the second half of a request, as it does when asyncpg has prepared a statement; by itself it waits for two hours.
VANISHED = {
    "tcp_keepalives_idle": "5s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "15s",
}
# A statement, a lock or a forgotten transaction that takes longer than this is a fault, not patience.
TIMEOUTS = {
    "statement_timeout": "5s",
    "lock_timeout": "4s",
    "idle_in_transaction_session_timeout": "15s",
}
# Longer than PostgreSQL itself allows: when it has not answered by then, the connection is dead, and nobody said so.
DEAD_AFTER_SECONDS = 6


class Database:
    """Transactions on one service's database.

    `told` is set whenever a `transaction` that has recorded an event is committed: `outbox.ring` listens to it.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            # The one used last: in turn, each would meet a backend whose memory has left the caches meanwhile (a
            # twentieth of a payment's CPU, at 8 clients a twelfth of its time).
            pool_use_lifo=True,
            pool_timeout=5,
            hide_parameters=True,
            connect_args={"server_settings": TIMEOUTS | VANISHED, "timeout": 5, "command_timeout": DEAD_AFTER_SECONDS},
        )
        event.listen(self.engine.sync_engine, "handle_error", _silence_is_a_lost_connection)
        # The same connections, for one statement without a transaction around it: a third of the time.
        self.single_statements = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._readings = async_sessionmaker(self.single_statements, expire_on_commit=False)
        self.told = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """All or nothing: commits at the end, rolls back where anything is raised."""
        async with self._sessions() as session:
            async with session.begin():
                yield session
            if session.info.get("told"):
                self.told.set()

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncSession]:
        """For a change that is one statement, commits as one, and wakes the relay itself (`outbox.RING`)."""
        async with self.reading() as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """For SELECTs without a lock: each sees what is committed by then, as it would in a transaction, which takes
        two statements more."""
        async with self._readings() as session:
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


def _silence_is_a_lost_connection(context: ExceptionContext) -> None:
    """Then this connection, and all that the pool made before, are not used again."""
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def is_unreachable(error: BaseException) -> bool:
    """The database is down, starting, full, or cut us off: a later try may do."""
    if isinstance(error, OSError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and (error.connection_invalidated or sqlstate(error)[:2] in ("08", "53", "57"))


def service_metadata() -> MetaData:
    """A service's tables begin with these: outbox, its archive, inbox, suspects, idempotency keys, acts of staff."""
    metadata = MetaData(naming_convention=NAMING)

    def told() -> list[Column[object]]:
        return [
            Column("event_id", Uuid, nullable=False),
            Column("aggregate", Text, nullable=False),
            Column("subject", Text, nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("routing_key", Text, nullable=False),
            Column("at", DateTime(timezone=True), nullable=False),
            Column("body", Text, nullable=False),
            Column("correlation_id", Text),
        ]

    Table(
        "outbox",
        metadata,
        Column("position", BigInteger, Identity(), primary_key=True),
        *told(),
        UniqueConstraint("aggregate", "subject", "version"),
    )
    Table(
        "outbox_archive",
        metadata,
        Column("position", BigInteger, nullable=False),
        *told(),
        Column("sent_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        PrimaryKeyConstraint("sent_at", "position"),
        postgresql_partition_by="RANGE (sent_at)",
    )
    Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("taken_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )
    Table(
        "suspects",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("begun", Integer, nullable=False, server_default="1"),
        Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    Table(
        "idempotency_keys",
        metadata,
        Column("scope", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("answer", Text),
        Column("claimed_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )
    Table(
        "acts",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("login", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("act", Text, nullable=False),
        Column("subject", Text, nullable=False, index=True),
        Column("note", Text),
        Column("details", JSONB, nullable=False),
        Column("correlation_id", Text),
    )
    return metadata
