"""The outbox's way to the broker: every committed event reaches every bound queue at least once, in order of versions.

One relay is active per service, the others stand by. It looks for rows that are there, never past a remembered id: rows
become visible in another order than their ids were drawn in. Whatever happens, a row leaves the outbox only after the
broker has confirmed it.
"""

import asyncio
import random
import time
from collections import Counter as Counted
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import aio_pika
import asyncpg
import structlog
from aio_pika.abc import AbstractConnection
from aiormq import Channel
from aiormq.exceptions import PublishError
from asyncpg.prepared_stmt import PreparedStatement
from opentelemetry.trace import Span
from prometheus_client import Counter, Gauge
from sqlalchemy.engine import make_url

from shared import failpoints, tracing
from shared.contracts.subscriptions import LISTENED_TO
from shared.db import VANISHED
from shared.envelope import batch_of, batches, message_of
from shared.failure import kind_of
from shared.messaging import BATCHES, EVENTS, HEARTBEAT_SECONDS, is_set_within, must_end, quietly
from shared.outbox import CHANNEL
from shared.publishing import Publication, publish

BATCH_ROWS = 200
LOOK_SECONDS = 1.0
# Where nothing more comes, what was told waits so long for its archive.
ARCHIVE_SECONDS = 0.1
ANSWER_SECONDS = 5.0
# Longer than a batch may take to be published, during which nothing is asked of PostgreSQL.
SILENT_SECONDS = 15
# What ran so long before it broke is tried again at once.
STEADY_SECONDS = 10.0

log = structlog.get_logger()
sent_total = Counter("purser_outbox_sent_total", "Events that the broker has confirmed", ["type"])
unroutable_total = Counter("purser_outbox_unroutable_total", "Events that came back because no queue takes them")
leading = Gauge("purser_relay_leading", "1 in the process that relays, 0 in one that stands by")

# What was confirmed goes to the archive by the statement that looks for what is unsent: half the round trips. Those
# aggregates whose next event just came back are left out of one look, so that they hold up nobody else.
LOOK = """
    WITH told AS (DELETE FROM outbox WHERE position = ANY($1::bigint[]) RETURNING *), archived AS (
        INSERT INTO outbox_archive
            (position, event_id, aggregate, subject, version, routing_key, at, body, correlation_id)
        SELECT position, event_id, aggregate, subject, version, routing_key, at, body, correlation_id FROM told
    )
    SELECT position, event_id, aggregate, subject, routing_key, at, body, correlation_id FROM outbox
    WHERE position <> ALL($1::bigint[]) AND aggregate || subject <> ALL($2::text[]) ORDER BY position LIMIT $3
"""


@dataclass
class Relay:
    """Moves one service's events from its outbox to the exchanges `purser.batches`, for our own queues, and
    `purser.events`, for everybody.

    `turned_at` is when it last looked, for events or whether it should lead; `returned` names the aggregates whose next
    event no queue takes, and that event's routing key.
    """

    service: str
    database_url: str
    broker_url: str
    turned_at: float = field(default_factory=time.monotonic, init=False)
    returned: dict[str, str] = field(default_factory=dict, init=False)
    _rung: asyncio.Event | None = field(default=None, init=False)

    def ring(self) -> bool:
        """Let it look at once. False where it does not lead, and another must be rung."""
        if self._rung is not None:
            self._rung.set()
        return self._rung is not None

    async def run(self) -> None:
        """Relay for ever, whatever breaks: lost connections are made anew, with a growing and jittered pause."""
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                await self._stand_by_and_lead()
            except BaseException as error:
                if must_end(error):
                    raise
                lasted_seconds = time.monotonic() - begun
                failures = min(failures + 1, 6) if lasted_seconds < STEADY_SECONDS else 0
                log.warning("relay interrupted", service=self.service, error=kind_of(error))
            finally:
                leading.set(0)
                self._rung = None
                self.returned.clear()
            await asyncio.sleep(0.1 * 2**failures * random.uniform(0.5, 1))

    async def _stand_by_and_lead(self) -> None:
        connection = await asyncpg.connect(
            make_url(self.database_url).set(drivername="postgresql").render_as_string(hide_password=False),
            timeout=ANSWER_SECONDS,
            command_timeout=ANSWER_SECONDS,
            server_settings={
                **VANISHED,
                # A plan made while the outbox was empty would read all of 100,000 waiting rows (seen: 7 ms a batch).
                "enable_seqscan": "off",
                # A crash would only have it tell again what it has just told, and nothing waits for the disk.
                "synchronous_commit": "off",
                # Else the lock of a relay that nothing is heard of any more would be held for ever.
                "idle_session_timeout": f"{SILENT_SECONDS}s",
            },
        )
        try:
            # Before there is a lock: to prepare is a request that does not end, and a wire that falls silent within one
            # would hold the lock as long as it seems whole, whatever the limits say.
            look = await connection.prepare(LOOK)
            while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext('outbox relay'))"):
                self.turned_at = time.monotonic()
                await asyncio.sleep(LOOK_SECONDS)
            rung = asyncio.Event()
            await connection.add_listener(CHANNEL, lambda *_: rung.set())
            async with asyncio.timeout(ANSWER_SECONDS):
                broker = await aio_pika.connect(self.broker_url, heartbeat=HEARTBEAT_SECONDS)
            try:
                await self._lead(look, broker, rung)
            finally:
                await quietly(broker.close())
        finally:
            await quietly(connection.close(timeout=1))

    async def _lead(
        self, look: "PreparedStatement[asyncpg.Record]", broker: AbstractConnection, rung: asyncio.Event
    ) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            opened = await broker.channel(publisher_confirms=True, on_return_raises=True)
            channel = await opened.get_underlay_channel()
        assert isinstance(channel, Channel)
        leading.set(1)
        self._rung = rung
        told: Sequence[asyncpg.Record] = ()
        stuck: set[str] = set()
        try:
            while True:
                self.turned_at = time.monotonic()
                rung.clear()
                rows = await look.fetch([row["position"] for row in told], list(stuck), BATCH_ROWS)
                failpoints.hit("after_archive", *(row["routing_key"] for row in told))
                async with asyncio.timeout(ANSWER_SECONDS + 5):
                    told, came_back, broken = await self._publish(channel, rows)
                for key, count in Counted(row["routing_key"] for row in told).items():
                    sent_total.labels(key).inc(count)
                if broken is not None:
                    raise broken
                stuck = stuck | came_back if came_back else set()
                if came_back or len(rows) < BATCH_ROWS:
                    await is_set_within(rung, ARCHIVE_SECONDS if told else LOOK_SECONDS)
        finally:
            if told:  # Or whoever leads next would tell it again.
                await quietly(look.fetch([row["position"] for row in told], [], 0))

    async def _publish(
        self, channel: Channel, rows: Sequence["asyncpg.Record"]
    ) -> tuple[Sequence["asyncpg.Record"], set[str], BaseException | None]:
        """Tell all, our own queues first; give what is confirmed, the aggregates whose event came back, and what else
        went wrong, after which the channel's state is unknown."""
        stuck: set[str] = set()
        together = list(batches(rows))
        results = await self._tell_ourselves(channel, together)
        failed = {
            row["position"]: error
            for batch, error in zip(together, results, strict=True)
            for row in batch
            if error is not None
        }
        heard, broken = self._up_to_failures(rows, failed, stuck)
        if broken is not None:
            return [], stuck, broken
        results = await self._tell_everybody(channel, heard)
        failed = {row["position"]: error for row, error in zip(heard, results, strict=True) if error is not None}
        told, broken = self._up_to_failures(heard, failed, stuck)
        return told, stuck, broken

    def _up_to_failures(
        self, rows: Iterable["asyncpg.Record"], failed: Mapping[int, BaseException], stuck: set[str]
    ) -> tuple[list["asyncpg.Record"], BaseException | None]:
        """Each aggregate's up to its first failure, with which it is stuck; and what else than coming back it was."""
        passed: list[asyncpg.Record] = []
        broken: BaseException | None = None
        for row in rows:
            key, error = row["aggregate"] + row["subject"], failed.get(row["position"])
            if isinstance(error, PublishError):
                unroutable_total.inc()
                log.error(
                    "no queue takes this event; it stays in the outbox",
                    routing_key=row["routing_key"],
                    event_id=str(row["event_id"]),
                )
                stuck.add(key)
                self.returned[key] = row["routing_key"]
            elif error is not None:
                broken = error
                stuck.add(key)
            elif key not in stuck:
                passed.append(row)
                self.returned.pop(key, None)
        return passed, broken

    async def _tell_ourselves(
        self, channel: Channel, together: Sequence[Sequence["asyncpg.Record"]]
    ) -> Sequence[BaseException | None]:
        """What each batch has failed with."""
        keys = [rows[0]["routing_key"] for rows in together]
        self._must_lead()
        failpoints.hit("before_publish", *keys)
        messages = [batch_of(self.service, rows) for rows in together]
        told = [Publication(BATCHES, key, each, key in LISTENED_TO) for key, each in zip(keys, messages, strict=True)]
        results = await publish(channel, told)
        failpoints.hit("after_batch", *keys)
        return results

    async def _tell_everybody(
        self, channel: Channel, rows: Sequence["asyncpg.Record"]
    ) -> Sequence[BaseException | None]:
        """What each event has failed with."""
        keys = {row["routing_key"] for row in rows}
        self._must_lead()
        with ExitStack() as until_confirmed:
            for key in keys:
                until_confirmed.enter_context(failpoints.during("before_confirm", key))
            publications, spans = list[Publication](), list[Span | None]()
            for row in rows:
                message = message_of(self.service, row)
                spans.append(until_confirmed.enter_context(tracing.publishing(row, message.headers)))
                publications.append(Publication(EVENTS, row["routing_key"], message))
            results = await publish(channel, publications)
            for span, error in zip(spans, results, strict=True):
                tracing.published(span, error)
        failpoints.hit("after_confirm", *keys)
        return results

    def _must_lead(self) -> None:
        if time.monotonic() - self.turned_at > SILENT_SECONDS:
            raise ConnectionError("frozen for so long that another relay may lead")
