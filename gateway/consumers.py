"""The gateway's door for events: customers' logins, by a lasting queue; and live push, by a short-lived one."""

import asyncio
from collections.abc import Iterator, Sequence
from uuid import uuid4

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from prometheus_client import Gauge
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from gateway import news
from gateway.accounts.commands.open_account import open_account
from gateway.errors import LoginTaken
from gateway.live import Live, Push
from shared import tracing
from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged, HoldChanged
from shared.contracts.http.support import Author, MessageView
from shared.contracts.orders import (
    CustomerRegistered,
    OrderAmended,
    OrderCancelled,
    OrderChanged,
    OrderFacts,
    OrderPlaced,
)
from shared.contracts.support import TicketChanged, TicketCountsChanged
from shared.envelope import Enveloped, batch_reader
from shared.failure import kind_of
from shared.messaging import BATCHES, HEARTBEAT_SECONDS, LIVE, live_queue_name, must_end, quietly
from shared.worker import Reactions

PUSHED: tuple[type[Event], ...] = (
    OrderPlaced,
    OrderAmended,
    OrderCancelled,
    OrderChanged,
    BalanceChanged,
    HoldChanged,
    TicketCountsChanged,
    TicketChanged,
)
_BATCHES = {event.routing_key: batch_reader(event) for event in PUSHED}
ANSWER_SECONDS = 5.0
LOOK_SECONDS = 10.0

log = structlog.get_logger()
hearing = Gauge("purser_live_hearing", "1 while the events to push arrive")
reactions = Reactions("gateway")


@reactions.on(CustomerRegistered)
async def on_customer_registered(event: CustomerRegistered, session: AsyncSession) -> None:
    try:
        await open_account(session, event.customer_id, event.login)
    except LoginTaken:
        # Trying again would not help. The customer is there, and cannot sign in.
        log.error("a customer's login is somebody else's", customer_id=str(event.customer_id))


async def push_live(live: Live, broker_url: str) -> None:
    """Push what the services tell, for ever. After a break all browsers begin anew: something may be missing."""
    while True:
        try:
            await _hear(live, broker_url)
        except BaseException as error:
            if must_end(error):
                raise
            log.warning("live push interrupted", error=kind_of(error))
        finally:
            hearing.set(0)
        await asyncio.sleep(1)


async def _hear(live: Live, broker_url: str) -> None:
    async with asyncio.timeout(ANSWER_SECONDS):
        connection = await aio_pika.connect(broker_url, heartbeat=HEARTBEAT_SECONDS)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            channel = await connection.channel(publisher_confirms=False)
            # Another name for each connection: the broker may not know yet that the last one is dead.
            queue = await channel.declare_queue(live_queue_name(uuid4()), exclusive=True, auto_delete=True)
            for routing_key in _BATCHES:
                await queue.bind(BATCHES, routing_key)

            async def tell(message: AbstractIncomingMessage) -> None:
                for told in heard(message.routing_key or "", message.body):
                    with tracing.taking(LIVE, told.type, told.id, {tracing.HEADER: told.traceparent}):
                        for push in pushes(told.data):
                            live.push(push)

            await queue.consume(tell, no_ack=True)
        # After binding: what happens from here on is told, and what came before is in each stream's beginning.
        live.begin_anew()
        hearing.set(1)
        while not await _closes(channel, LOOK_SECONDS):
            async with asyncio.timeout(ANSWER_SECONDS):
                await channel.declare_queue(queue.name, passive=True)
        raise ConnectionError("the broker is lost")
    finally:
        await quietly(connection.close())


async def _closes(channel: AbstractChannel, seconds: float) -> bool:
    """Whether the channel, or its connection, is lost within this time."""
    try:
        async with asyncio.timeout(seconds):
            return await channel.closed()
    except TimeoutError:
        return False


def heard(routing_key: str, body: bytes) -> Sequence[Enveloped[Event]]:
    """A batch's events."""
    try:
        return _BATCHES[routing_key].validate_json(body)
    except ValidationError:
        log.error("not valid events, so not pushed", routing_key=routing_key)
        return []


def pushes(event: Event) -> Iterator[Push]:
    """What of an event is pushed, and to whom."""
    match event:
        case OrderFacts():
            facts = event.model_dump(include={"customer_id", "status", "version", "total_minor", "paid_minor"})
            told = news.OrderChanged(number=event.order_number, remaining_minor=event.remaining_minor, **facts)
            yield Push(event.customer_id, told, told)
        case BalanceChanged():
            balance = news.BalanceChanged(**event.model_dump(exclude={"at"}))
            yield Push(event.customer_id, balance, balance)
        case HoldChanged():
            yield Push(event.customer_id, None, news.HoldChanged(**event.model_dump(exclude={"at"})))
        case TicketCountsChanged():
            for_staff = news.TicketCountsChanged(**event.model_dump(exclude={"at"}))
            own = news.TicketCountsChanged(**event.model_dump(exclude={"at", "shop_new", "shop_version"}))
            yield Push(event.customer_id, own, for_staff)
        case TicketChanged():
            ticket = news.TicketChanged(**event.model_dump(exclude={"at", "message"}))
            yield Push(event.customer_id, ticket, ticket)
            if event.message is not None:
                yield _message_added(event, event.message)


def _message_added(event: TicketChanged, message: MessageView) -> Push:
    """Which of the staff wrote is the staff's own affair."""
    whole = news.MessageAdded(ticket_id=event.ticket_id, customer_id=event.customer_id, message=message)
    if message.author is not Author.STAFF:
        return Push(event.customer_id, whole, whole)
    unsigned = message.model_copy(update={"author_login": None})
    return Push(event.customer_id, whole.model_copy(update={"message": unsigned}), whole)
