"""The messages that events travel in: CloudEvents 1.0, in binary mode to everybody, as JSON batches among ourselves."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Generic, TypeVar
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractMessage
from cloudevents.core.bindings import rabbitmq as cloudevents_amqp
from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from shared import tracing

# Why a dead letter died, and when. RabbitMQ calls its own headers `x-`; these are as much about one delivery only.
DIED_OF = "x-died-of"
DIED_AT = "x-died-at"
# Of what came in a batch, and comes once more by itself.
APART = "x-apart"
# By these a sender names further queues; who sends a letter on must not do it with more rights than its first sender.
_SENT_ON_TO = ("CC", "BCC")
BATCH = "application/cloudevents-batch+json"
# A transaction takes no more, and the broker no more than 1 MB; an event has up to 100 kB.
BATCH_EVENTS = 100
BATCH_BYTES = 200_000

D = TypeVar("D")


class Enveloped(BaseModel, Generic[D]):
    """An event of a batch, in CloudEvents' JSON format."""

    specversion: str
    id: UUID
    type: str
    source: str
    subject: str
    time: str
    correlationid: str | None = None
    traceparent: str | None = None
    data: D


def batch_reader(data: Any) -> TypeAdapter[list[Enveloped[Any]]]:
    """Reads a batch whose events' bodies are of this type."""
    return TypeAdapter(list[Enveloped[data]])


_ANY = batch_reader(Any)


def message_of(service: str, row: Mapping[str, Any]) -> aio_pika.Message:
    """The event of a row of `service`'s outbox or of its archive: the same each time it is told."""
    event = cloudevents_amqp.to_binary_event(
        CloudEvent(
            attributes={
                "id": str(row["event_id"]),
                "type": row["routing_key"],
                "source": f"/{service}",
                "subject": row["subject"],
                "time": row["at"],
                "specversion": "1.0",
                "datacontenttype": "application/json",
            },
            data=row["body"],
        )
    )
    return aio_pika.Message(
        event.body,
        headers=dict(event.headers),
        content_type="application/json",
        message_id=str(row["event_id"]),
        correlation_id=row["correlation_id"],
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The rows by their routing keys, each in their order, no more of them than one message holds."""
    open_ones: dict[str, tuple[list[Mapping[str, Any]], int]] = {}
    for row in rows:
        key, size = row["routing_key"], len(row["body"])
        batch, had = open_ones.get(key, ([], 0))
        if batch and (len(batch) == BATCH_EVENTS or had + size > BATCH_BYTES):
            yield batch
            batch, had = [], 0
        batch.append(row)
        open_ones[key] = batch, had + size
    for batch, _ in open_ones.values():
        yield batch


def batch_of(service: str, rows: Sequence[Mapping[str, Any]]) -> aio_pika.Message:
    """Events of one type, from rows as above, in one message."""
    return aio_pika.Message(
        b"[%b]" % b",".join(_structured(service, row) for row in rows),
        content_type=BATCH,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _structured(service: str, row: Mapping[str, Any]) -> bytes:
    """The body is JSON already."""
    about = {
        "specversion": "1.0",
        "id": row["event_id"],
        "type": row["routing_key"],
        "source": f"/{service}",
        "subject": row["subject"],
        "time": row["at"],
        "correlationid": row["correlation_id"],
        "traceparent": tracing.told_in(row),
    }
    return b'%b,"data":%b}' % (to_json(about)[:-1], row["body"].encode())


def taken_apart(body: bytes) -> dict[UUID, aio_pika.Message]:
    """The events of a batch, each in a message as `message_of` makes it, but marked. Raises ValidationError."""
    return {
        each.id: aio_pika.Message(
            to_json(each.data),
            headers={
                "ce-id": str(each.id),
                "ce-type": each.type,
                "ce-source": each.source,
                "ce-subject": each.subject,
                "ce-time": each.time,
                "ce-specversion": each.specversion,
                APART: True,
                **({tracing.HEADER: each.traceparent} if each.traceparent else {}),
            },
            content_type="application/json",
            message_id=str(each.id),
            correlation_id=each.correlationid,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        for each in _ANY.validate_json(body)
    }


def sent_on(message: AbstractMessage, **headers: str | bool) -> aio_pika.Message:
    """A lasting copy that says nothing of how the message came here, and bears `headers`."""
    made = copy(message)
    assert isinstance(made, aio_pika.Message)
    own = {
        name: value for name, value in message.headers.items() if not name.startswith("x-") and name not in _SENT_ON_TO
    }
    made.headers = {**own, **headers}
    made.delivery_mode = aio_pika.DeliveryMode.PERSISTENT
    # RabbitMQ would let it expire, or refuse it because another user sends it.
    made.expiration = made.user_id = None
    return made
