"""The books are looked through again and again, by one of the running gateways, in no hurry."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from gateway.clients import Clients
from gateway.reconciliation import findings
from gateway.reconciliation.differences import Kind
from gateway.reconciliation.rounds import Looking
from shared.auth import Caller, Role
from shared.db import Database
from shared.errors import Refusal

LOOK_SECONDS = 15.0
# It asks for a fifth of the time, so that payments have the rest.
REST = 4.0
SCHEDULE = Caller("purser", Role.ADMIN)

log = structlog.get_logger()
findings_open = Gauge("purser_findings", "What does not add up", ["kind"])
reconciled_at = Gauge("purser_reconciled_timestamp_seconds", "When all books had last been looked through")


async def keep_reconciling(database: Database, clients: Clients, minutes: float) -> None:
    """Every so many minutes, for ever; every gateway shows what any of them has found."""
    while True:
        await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))
        try:
            await show(database)
            if minutes and await _is_due(database, minutes):
                await _look_through(database, clients, minutes)
        except (SQLAlchemyError, OSError, Refusal) as error:
            log.warning("the books were not looked through", error=repr(error))


async def show(database: Database) -> None:
    """Bring the metrics up to date."""
    async with database.transaction() as session:
        counts, last = await findings.count_open(session), await findings.find_last_round(session)
    for kind in Kind:
        findings_open.labels(kind.value).set(counts.get(kind.value, 0))
    reconciled_at.set(last.timestamp() if last else 0)


async def _is_due(database: Database, minutes: float) -> bool:
    async with database.transaction() as session:
        last = await findings.find_last_round(session)
    return last is None or datetime.now(UTC) - last >= timedelta(minutes=minutes)


async def _look_through(database: Database, clients: Clients, minutes: float) -> None:
    async with findings.alone(database) as first:
        # Another gateway may have done it while this one thought that it was due.
        if first and await _is_due(database, minutes):
            looking = Looking(database, clients.on_behalf_of(SCHEDULE), rest=REST)
            await looking.run()
            log.info("the books were looked through", positions=looking.positions)
            await show(database)
