"""Looks every few seconds at what could go wrong unseen, and tells it as metrics and as sentences.

Each look is cheap however much there is: it asks an index for one row, counts no more than `MOST_COUNTED`, and asks the
broker for what it knows anyway.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity
from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.db import Database
from shared.failure import kind_of
from shared.health import Check, Health, Notices, NotReady, note
from shared.messaging import DEAD_LETTERS, is_told_to_end, must_end
from shared.relay import Relay

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 1.0
ANSWER_SECONDS = 5.0
# What is younger is on its way.
LATE_SECONDS = 60.0
# A relay looks once a second, and waits for at most 6.4 after it broke off.
TURN_SECONDS = 30.0
MOST_COUNTED = 10_000

log = structlog.get_logger()
oldest_seconds = Gauge(
    "purser_outbox_oldest_seconds", "Age of the event that has waited longest to be told", ["service"]
)
waiting_events = Gauge("purser_outbox_waiting", f"Events to be told, up to {MOST_COUNTED}", ["service"])
stuck_aggregates = Gauge(
    "purser_outbox_stuck_aggregates", "Aggregates whose next event no queue takes; of the leading relay", ["service"]
)
heartbeat = Gauge("purser_relay_heartbeat_age_seconds", "Since the relay last looked", ["service"])
unsettled_payments = Gauge(
    "purser_unsettled_payments",
    f"Payments and refunds that this service has yet to settle, up to {MOST_COUNTED}",
    ["service"],
)
broker_reached = Gauge("purser_broker_reached", "1 while the broker answers", ["service"])
dead_letters = Gauge("purser_dead_letters", "Dead letters, but for those that a command holds; each process tells all")
queue_consumers = Gauge("purser_queue_consumers", "Who listens to this queue", ["queue"])
queue_messages = Gauge(
    "purser_queue_messages", "Messages in this queue that nobody has in hand, of one event or of many", ["queue"]
)

Count = Callable[[AsyncSession, int], Awaitable[int]]
"""Of something, but no further than to this."""

WAITING = f"""
    SELECT (SELECT extract(epoch FROM clock_timestamp() - at)::float FROM outbox ORDER BY position LIMIT 1),
           (SELECT count(*) FROM (SELECT FROM outbox LIMIT {MOST_COUNTED}) AS several)
"""  # noqa: S608


async def watch_outbox(service: str, database: Database, health: Health, unsettled: Count | None = None) -> None:
    """For ever: is what happened told, and what was paid settled?"""
    settled_at = time.monotonic()
    while True:
        try:
            async with database.transaction() as session:
                oldest, waiting = (await session.execute(text(WAITING))).one()
                open_now = await unsettled(session, MOST_COUNTED) if unsettled else 0
        except (SQLAlchemyError, OSError) as error:
            log.warning("outbox not looked at", error=kind_of(error))
        else:
            _tell_outbox(service, health, max(0.0, oldest or 0.0), waiting)
            settled_at = settled_at if open_now else time.monotonic()
            _tell_unsettled(service, health, open_now, time.monotonic() - settled_at)
        await asyncio.sleep(LOOK_SECONDS)


def _tell_outbox(service: str, health: Health, oldest: float, waiting: int) -> None:
    oldest_seconds.labels(service).set(oldest)
    waiting_events.labels(service).set(waiting)
    count = f"{waiting} wait" if waiting < MOST_COUNTED else f"{MOST_COUNTED} or more wait"
    late = f"The oldest event in the outbox of {service} has waited for {oldest:.0f} s; {count}."
    note(health.warnings, "outbox", late if oldest > LATE_SECONDS else None)


def _tell_unsettled(service: str, health: Health, count: int, seconds: float) -> None:
    unsettled_payments.labels(service).set(count)
    late = f"{count} payments or refunds have not settled for {seconds:.0f} s: `purser reconcile` names them."
    note(health.warnings, "unsettled", late if count and seconds > LATE_SECONDS else None)


def relay_check(relay: Relay, health: Health) -> Check:
    """That it turns; a warning where an event of its outbox finds no queue."""
    heartbeat.labels(relay.service).set_function(lambda: time.monotonic() - relay.turned_at)
    stuck_aggregates.labels(relay.service).set_function(lambda: len(relay.returned))

    async def check() -> None:
        keys = ", ".join(sorted(set(relay.returned.values())))
        stuck = f"No queue takes {keys}: {len(relay.returned)} aggregates wait. Load the broker's definitions again."
        note(health.warnings, "stuck", stuck if keys else None)
        if (seconds := time.monotonic() - relay.turned_at) > TURN_SECONDS:
            raise NotReady(f"The relay has not turned for {seconds:.0f} s.")

    return check


async def watch_broker(listener: str, broker_url: str, health: Health, obstacles: Notices) -> None:
    """For ever: is the broker there, are the listener's queues, does somebody listen, are there dead letters? What
    hinders goes to `obstacles`, which may be the health's warnings, for a process that can do without."""
    while not is_told_to_end():
        try:
            await _watch_queues(listener, broker_url, health, obstacles)
        except BaseException as error:
            if must_end(error):
                raise
            broker_reached.labels(listener).set(0)
            note(obstacles, "broker", f"The broker cannot be reached ({type(error).__name__}).")
        await asyncio.sleep(AGAIN_SECONDS)


async def _watch_queues(listener: str, broker_url: str, health: Health, obstacles: Notices) -> None:
    async with asyncio.timeout(ANSWER_SECONDS):
        connection = await aio_pika.connect(broker_url, heartbeat=10)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            channel = await connection.channel(publisher_confirms=False)
        while not is_told_to_end():
            async with asyncio.timeout(ANSWER_SECONDS):
                await _look_at_queues(listener, channel, health, obstacles)
            broker_reached.labels(listener).set(1)
            note(obstacles, "broker", None)
            await asyncio.sleep(AGAIN_SECONDS if obstacles else LOOK_SECONDS)
    finally:
        # What is being closed may be broken already.
        with suppress(Exception):
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.close()


async def _look_at_queues(listener: str, channel: AbstractChannel, health: Health, obstacles: Notices) -> None:
    for queue in (queue_name(listener, event) for event in SUBSCRIPTIONS[listener]):
        messages, consumers = await _ask(channel, queue) or (0, -1)
        queue_messages.labels(queue).set(messages)
        queue_consumers.labels(queue).set(max(0, consumers))
        missing = f"The broker has no queue {queue}: load its definitions again."
        nobody = f"Nobody listens to {queue}."
        note(obstacles, queue, missing if consumers < 0 else nobody if consumers == 0 else None)
    count, _ = await _ask(channel, DEAD_LETTERS) or (0, 0)
    dead_letters.set(count)
    what = "1 dead letter waits" if count == 1 else f"{count} dead letters wait"
    note(health.warnings, "dead_letters", f"{what}: see `purser dead-letters list`." if count else None)


async def _ask(channel: AbstractChannel, queue: str) -> tuple[int, int] | None:
    """Messages and consumers; None where there is no such queue, which costs the channel that asks."""
    try:
        said = (await channel.declare_queue(queue, passive=True)).declaration_result
    except ChannelNotFoundEntity:
        await channel.reopen()
        return None
    return said.message_count or 0, said.consumer_count or 0
