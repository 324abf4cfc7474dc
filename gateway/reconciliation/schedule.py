"""The books are looked through again and again, by one of the running gateways, in no hurry."""

import asyncio
import math
import random
import time
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from gateway.clients import Clients
from gateway.reconciliation import findings
from gateway.reconciliation.differences import Kind
from gateway.reconciliation.rounds import SETTLE_SECONDS, Looking
from shared.auth import Caller, Role
from shared.db import Database
from shared.errors import Refusal
from shared.failure import kind_of

# Where the one who was at it has died, another begins within this time.
LOOK_SECONDS = 8.0
# With the time to settle, a payment that does not arrive is found within three minutes.
LATEST_EVERY_SECONDS = 60.0
# How far the first look at the latest goes back, and any other at most: what was told before is for the next round.
LATEST_SECONDS = 300.0
# What was told so long before the last look may not have been seen by it: it may have been written down a little later.
UNSEEN_SECONDS = 15.0
# A round asks for a fifth of the time, a look at the latest for half of it: payments have the rest.
REST, REST_AT_THE_LATEST = 4.0, 1.0
SCHEDULE = Caller("purser", Role.ADMIN)

log = structlog.get_logger()
findings_open = Gauge("purser_findings", "What does not add up", ["kind"])
reconciled_at = Gauge("purser_reconciled_timestamp_seconds", "When all books had last been looked through")


async def keep_reconciling(database: Database, clients: Clients, minutes: float) -> None:
    """Every so many minutes, for ever (0: never); every gateway shows what any of them has found."""
    while True:
        await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))
        try:
            await show(database)
            if minutes and await _is_due(database, minutes):
                await look_through(database, clients, minutes)
        except (SQLAlchemyError, OSError, Refusal) as error:
            log.warning("the books were not looked through", error=kind_of(error))


async def keep_looking_at_the_latest(database: Database, clients: Clients) -> None:
    """At what was told since the last look, for ever: it must not wait until all books have been gone through."""
    looked_at, pause_seconds = -math.inf, LATEST_EVERY_SECONDS
    while True:
        await asyncio.sleep(pause_seconds * random.uniform(0.8, 1.2))
        begun = time.monotonic()
        try:
            looked_at = await look_at_the_latest(database, clients, looked_at)
        except (SQLAlchemyError, OSError, Refusal) as error:
            log.warning("the latest orders were not looked at", error=kind_of(error))
        pause_seconds = max(0, LATEST_EVERY_SECONDS - (time.monotonic() - begun))


async def look_at_the_latest(
    database: Database, clients: Clients, looked_at: float, settle_seconds: float = SETTLE_SECONDS
) -> float:
    """Once, if nobody else does; gives when this gateway looked last, by `time.monotonic`."""
    async with findings.alone(database, "latest reconciliation") as first:
        if not first:
            return looked_at
        begun = time.monotonic()
        since = max(looked_at - UNSEEN_SECONDS, begun - LATEST_SECONDS)
        looking = Looking(database, clients.on_behalf_of(SCHEDULE), settle_seconds, rest=REST_AT_THE_LATEST)
        await looking.look_at_the_latest(since)
        return begun


async def show(database: Database) -> dict[str, int]:
    """Bring the metrics up to date; gives what is open, by kind."""
    async with database.transaction() as session:
        counts, last = await findings.count_open(session), await findings.find_last_round(session)
    for kind in Kind:
        findings_open.labels(kind.value).set(counts.get(kind.value, 0))
    reconciled_at.set(last.timestamp() if last else 0)
    return counts


async def _is_due(database: Database, minutes: float) -> bool:
    async with database.transaction() as session:
        last = await findings.find_last_round(session)
    return last is None or datetime.now(UTC) - last >= timedelta(minutes=minutes)


async def look_through(
    database: Database, clients: Clients, minutes: float, settle_seconds: float = SETTLE_SECONDS
) -> None:
    """All books, if that is due and nobody else does it."""
    async with findings.alone(database) as first:
        # Another gateway may have done it while this one thought that it was due.
        if first and await _is_due(database, minutes):
            looking = Looking(database, clients.on_behalf_of(SCHEDULE), settle_seconds, rest=REST)
            await looking.run()
            counts = await show(database)
            tell = log.error if counts else log.info
            tell("the books were looked through", positions=looking.positions, findings=counts)
