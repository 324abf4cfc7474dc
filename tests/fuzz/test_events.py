"""What is no event, put straight into the queues: each a dead letter at once, and the next good one takes effect."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from aiormq.exceptions import ChannelPreconditionFailed
from pydantic import ValidationError

from shared.contracts.base import Event
from shared.contracts.orders import CustomerRegistered, OrderPlaced
from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.delivery import given_up_total
from shared.messaging import DEAD_LETTERS
from tests.eventually import eventually
from tests.fuzz.bodies import IN_NUMBERS, IN_TEXT
from tests.system import System

EXAMPLES = Path(__file__).parents[1] / "contracts" / "examples"
QUEUES = {queue_name(listener, event): event for listener, events in SUBSCRIPTIONS.items() for event in events}
NO_JSON = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b"[" * 900_000,
    b'{"a":' * 10_000,
    b"x" * 900_000,
    b"\x1f\x8b\x08\x00",
)
HEADERS: tuple[dict[str, Any], ...] = (
    {},
    {"ce-id": None},
    {"ce-id": "no UUID"},
    {"ce-id": 12},
    {"ce-id": "\x00"},
    {"ce-id": {"deep": {"er": [1]}}},
    {"ce-id": str(uuid4()), "ce-type": "orders.something_else.v1"},
    {"ce-id": str(uuid4()), "ce-type": ["a", "list"]},
)


def bad_bodies(event: type[Event]) -> Iterator[bytes]:
    """No JSON, and the example with a bad value in each of its fields, or without one: what the contract refuses."""
    yield from NO_JSON
    good = json.loads((EXAMPLES / f"{event.routing_key}.json").read_text())
    for name, value in good.items():
        yield from _refused(event, json.dumps({key: other for key, other in good.items() if key != name}))
        marked = json.dumps({**good, name: "mark"})
        for bad in IN_NUMBERS if isinstance(value, int) else IN_TEXT:
            yield from _refused(event, marked.replace('"mark"', bad))


def _refused(event: type[Event], body: str) -> Iterator[bytes]:
    try:
        event.model_validate_json(body.encode())
    except ValidationError:
        yield body.encode()


@pytest.fixture
async def channel(purser: System) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """An operator's, who may write into any queue; the dead letters are thrown away afterwards."""
    async with await aio_pika.connect(purser.installation.broker_url("operator")) as connection:
        channel = await connection.channel()
        letters = await channel.get_queue(DEAD_LETTERS, ensure=False)
        await letters.purge()
        yield channel
        await letters.purge()


def given_up(queue: str) -> float:
    return float(given_up_total.labels(queue)._value.get())


@pytest.mark.parametrize("queue", QUEUES)
async def test_what_is_no_event_is_a_dead_letter_at_once(
    purser: System, channel: aio_pika.abc.AbstractChannel, queue: str
) -> None:
    event, before = QUEUES[queue], given_up(queue)
    known = {"ce-type": event.routing_key}
    messages = [
        *(aio_pika.Message(body, headers={**known, "ce-id": str(uuid4())}) for body in bad_bodies(event)),
        *(aio_pika.Message(b"{}", headers={**known, **headers}) for headers in HEADERS),
        aio_pika.Message(b"{}", headers={}, content_encoding="gzip", content_type="\x00", correlation_id="x" * 255),
    ]
    assert len(messages) > 50
    for message in messages:
        await channel.default_exchange.publish(message, queue)

    async def all_dead() -> bool:
        letters = await channel.declare_queue(DEAD_LETTERS, passive=True)
        count = letters.declaration_result.message_count or 0
        return given_up(queue) - before == len(messages) and count >= len(messages)

    await eventually(all_dead, f"{len(messages)} dead letters")


async def test_a_message_of_20_mb_is_refused_by_the_broker_and_holds_nobody_up(purser: System) -> None:
    async with await aio_pika.connect(purser.installation.broker_url("operator")) as connection:
        channel = await connection.channel()
        with pytest.raises(ChannelPreconditionFailed):
            message = aio_pika.Message(bytes(20_000_000))
            await channel.default_exchange.publish(message, queue_name("billing", OrderPlaced), timeout=10)
    customer = await purser.new_customer()
    await purser.new_order(customer, 100, known=True)


async def test_after_all_that_a_good_one_takes_effect(purser: System, channel: aio_pika.abc.AbstractChannel) -> None:
    for body in bad_bodies(CustomerRegistered):
        headers = {"ce-id": str(uuid4()), "ce-type": CustomerRegistered.routing_key}
        message = aio_pika.Message(body, headers=headers)  # type: ignore[arg-type]
        await channel.default_exchange.publish(message, queue_name("gateway", CustomerRegistered))
    customer = await purser.new_customer(100)
    number = await purser.new_order(customer, 100)
    await customer.post(f"/orders/{number}/payments", {})
    assert (await purser.settled(number))["page"]["status"] == "paid"
