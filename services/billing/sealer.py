"""Billing's third door: the clock. What was committed is sealed soon after, apart from whoever pays."""

import asyncio
import time
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from services.billing import seals
from services.billing.commands.seal_transfers import seal_transfers
from services.billing.seals import EVER, Seal
from shared.db import Database
from shared.failure import kind_of

LOOK_SECONDS = 10.0
# Looking reads how far each account is: it takes a twentieth of the time, however many there are.
REST = 20.0

log = structlog.get_logger()
sealed_transfers = Gauge("purser_ledger_sealed_transfers", "Transfers that seals cover")
moved_total = Counter("purser_money_moved_minor_total", "Money in transfers, as they are sealed", ["kind", "currency"])
sealed_at = Gauge("purser_ledger_sealed_timestamp_seconds", "When the newest seal was made")


async def keep_sealing(database: Database) -> None:
    """For ever. The log bears every seal's head: who keeps the log elsewhere can prove what the ledger was."""
    since = EVER
    while True:
        begun = time.monotonic()
        try:
            since = await seal_all(database, since)
        except (SQLAlchemyError, OSError) as error:
            log.warning("the ledger was not sealed", error=kind_of(error))
        await asyncio.sleep(max(LOOK_SECONDS, REST * (time.monotonic() - begun)))


async def seal_all(database: Database, since: datetime = EVER) -> datetime:
    """Seal whatever is committed by now, and give this moment: all before it is sealed."""
    async with database.transaction() as session:
        now = await seals.get_time(session)
    after: UUID | None = UUID(int=0)
    while after is not None:
        async with database.transaction() as session:
            sealed = await seal_transfers(session, after, since)
        # Here, because each transfer is sealed once, whoever pays however often; and only what was committed.
        for (kind, currency), amount_minor in sealed.moved_minor.items():
            moved_total.labels(kind, currency).inc(amount_minor)
        if sealed.seal is not None:
            _show(sealed.seal)
        after = sealed.next
    return now


def _show(seal: Seal) -> None:
    log.info("ledger sealed", head=seal.head, transfers=seal.transfers)
    sealed_transfers.set(seal.transfers)
    sealed_at.set(seal.made_at.timestamp())
