"""The published events as an AsyncAPI 3 document, made from the contracts: `python -m shared.asyncapi`."""

import json

from pydantic.json_schema import models_json_schema

from shared.contracts import billing, orders, support
from shared.contracts.base import Event
from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.messaging import BATCHES, EVENTS, VHOST

PUBLISHERS = {"orders": orders, "billing": billing, "support": support}


EXCHANGE = {"name": EVENTS, "type": "topic", "durable": True, "vhost": VHOST}


def published() -> list[type[Event]]:
    """Every event that some service tells."""
    return [
        kind
        for module in PUBLISHERS.values()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Event) and "routing_key" in vars(kind)
    ]


def document() -> dict[str, object]:
    """AsyncAPI 3.0: one channel per routing key, and who sends and receives on it."""
    events = published()
    _, schemas = models_json_schema(
        [(event, "serialization") for event in events], ref_template="#/components/schemas/{model}"
    )
    operations: dict[str, object] = {}
    for event in events:
        channel = {"$ref": f"#/channels/{event.__name__}"}
        publisher = event.routing_key.partition(".")[0]
        operations[f"{publisher}.tells.{event.__name__}"] = {"action": "send", "channel": channel}
        for listener, listened in SUBSCRIPTIONS.items():
            if event in listened:
                operations[f"{listener}.hears.{event.__name__}"] = {
                    "action": "receive",
                    "channel": channel,
                    "description": f"Lasting queue `{queue_name(listener, event)}`, many at a time by `{BATCHES}`.",
                }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Purser's events",
            "version": "1",
            "description": "CloudEvents 1.0 in AMQP 0-9-1, binary mode. At least once: `ce-id` names an event, and a"
            " repeated one has the same. `version` counts an aggregate's (`ce-subject`) events.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {event.__name__: _channel(event) for event in events},
        "operations": operations,
        "components": {
            "messages": {event.__name__: _message(event) for event in events},
            "schemas": {**schemas["$defs"], "CloudEventHeaders": _headers()},
        },
    }


def _channel(event: type[Event]) -> dict[str, object]:
    return {
        "address": event.routing_key,
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": EXCHANGE}},
    }


def _message(event: type[Event]) -> dict[str, object]:
    return {
        "name": event.routing_key,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip(),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
    }


def _headers() -> dict[str, object]:
    text = {"type": "string"}
    names = ("ce-specversion", "ce-id", "ce-type", "ce-source", "ce-subject", "ce-time")
    return {"type": "object", "properties": dict.fromkeys(names, text), "required": list(names)}


if __name__ == "__main__":
    print(json.dumps(document(), indent=2))
