"""The message that an event travels in: CloudEvents 1.0 in binary mode, with the event's id as its own."""

from collections.abc import Mapping
from copy import copy
from typing import Any

import aio_pika
from aio_pika.abc import AbstractMessage
from cloudevents.core.bindings import rabbitmq as cloudevents_amqp
from cloudevents.core.v1.event import CloudEvent

# Why a dead letter died, and when. RabbitMQ calls its own headers `x-`; these are as much about one delivery only.
DIED_OF = "x-died-of"
DIED_AT = "x-died-at"
# By these a sender names further queues; who sends a letter on must not do it with more rights than its first sender.
_SENT_ON_TO = ("CC", "BCC")


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


def sent_on(message: AbstractMessage, **headers: str) -> aio_pika.Message:
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
