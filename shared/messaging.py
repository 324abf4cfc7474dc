"""The bus: its names, and the definitions that the broker loads before any service runs.

No service declares anything. An event that is told before its listener's first start waits in the listener's queue, and
a service's broker user can do no more than write its own routing keys and read its own queues.
"""

import asyncio
import json
from collections.abc import Awaitable
from uuid import UUID

import structlog

from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.failure import kind_of

EVENTS = "purser.events"
# The same events to our own queues, many in a message.
BATCHES = "purser.batches"
DEAD_LETTERS = "purser.dead_letters"
LIVE = "gateway.live"
VHOST = "purser"
SERVICES = ("orders", "billing", "support")

# A process that dies on a message again and again gives it up after this many deliveries; a reaction that merely fails
# is counted by the worker, which gives up sooner.
DELIVERY_LIMIT = 20
# Each look at the dead letters counts as a delivery, and RabbitMQ 4 drops a message after 20 where nobody sets a limit.
MOST_LOOKS = 2**31 - 1
# Either side gives up a connection on which it has heard nothing for two or three times as long.
HEARTBEAT_SECONDS = 5

log = structlog.get_logger()


def is_told_to_end() -> bool:
    """Whether the task that asks has been cancelled, though the bus's library may have swallowed that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def must_end(error: BaseException) -> bool:
    """Whether what the bus's work was interrupted by is its own end: a frozen broker's connection dies by a
    CancelledError that nobody asked for."""
    return isinstance(error, (KeyboardInterrupt, SystemExit)) or is_told_to_end()


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def quietly(closing: Awaitable[object]) -> None:
    """Close what may be broken already."""
    try:
        async with asyncio.timeout(1):
            await closing
    except BaseException as error:
        if must_end(error):
            raise
        log.debug("closing failed", error=kind_of(error))


def again_exchange(listener: str) -> str:
    """Leads to the listener's own queues, by their names: what came in one message comes again in several."""
    return f"{listener}.again"


def live_queue_name(instance: UUID) -> str:
    """The short-lived queue of one running gateway."""
    return f"{LIVE}.{instance}"


def _queue(name: str, **arguments: object) -> dict[str, object]:
    return {
        "name": name,
        "vhost": VHOST,
        "durable": True,
        "auto_delete": False,
        "arguments": {"x-queue-type": "quorum", **arguments},
    }


def _binding(source: str, queue: str, routing_key: str) -> dict[str, object]:
    return {
        "source": source,
        "vhost": VHOST,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": routing_key,
        "arguments": {},
    }


def _permission(user: str, configure: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": VHOST, "configure": configure, "write": write, "read": read}


def _topic_permission(user: str, exchange: str, write: str, read: str = "^$") -> dict[str, str]:
    return {"user": user, "vhost": VHOST, "exchange": exchange, "write": write, "read": read}


def definitions() -> dict[str, object]:
    """What the broker loads at its start; users come without passwords, which each installation adds."""
    listened = [
        (listener, queue_name(listener, event), event.routing_key)
        for listener, events in SUBSCRIPTIONS.items()
        for event in events
    ]
    users = [*SERVICES, "gateway", "integrator"]
    return {
        "vhosts": [{"name": VHOST}],
        "users": [{"name": user, "tags": []} for user in users] + [{"name": "operator", "tags": ["administrator"]}],
        "permissions": [
            *(
                _permission(
                    name,
                    "^$",
                    rf"^({EVENTS}|{BATCHES}|{again_exchange(name)}|{DEAD_LETTERS})$",
                    rf"^{name}\.on\..*",
                )
                for name in SERVICES
            ),
            # The gateway and other programs make queues of their own, under their own names, and bind them. Who may do
            # that must not write where others listen: the broker would write there for them whatever they like.
            _permission(
                "gateway",
                r"^gateway\.live\..*",
                rf"^(gateway\.live\..*|{again_exchange('gateway')}|{DEAD_LETTERS})$",
                rf"^({BATCHES}|gateway\..*)$",
            ),
            _permission("integrator", r"^integrator\..*", r"^integrator\..*", rf"^({EVENTS}|integrator\..*)$"),
            _permission("operator", ".*", ".*", ".*"),
        ],
        "topic_permissions": [
            *(_topic_permission(name, told, rf"^{name}\..*") for name in SERVICES for told in (EVENTS, BATCHES)),
            _topic_permission("gateway", BATCHES, "^$", ".*"),
            _topic_permission("integrator", EVENTS, "^$", ".*"),
            *(_topic_permission(name, DEAD_LETTERS, rf"^{name}\.on\..*") for name in SUBSCRIPTIONS),
        ],
        "exchanges": [
            {
                "name": name,
                "vhost": VHOST,
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name in (EVENTS, BATCHES, DEAD_LETTERS, *map(again_exchange, SUBSCRIPTIONS))
        ],
        "queues": [
            *(
                _queue(
                    queue,
                    **{
                        "x-dead-letter-exchange": DEAD_LETTERS,
                        "x-dead-letter-routing-key": queue,
                        # A dead letter must arrive too, which RabbitMQ promises only together with reject-publish.
                        "x-dead-letter-strategy": "at-least-once",
                        "x-overflow": "reject-publish",
                        "x-delivery-limit": DELIVERY_LIMIT,
                    },
                )
                for _, queue, _ in listened
            ),
            _queue(DEAD_LETTERS),
        ],
        "policies": [
            {
                "vhost": VHOST,
                "name": DEAD_LETTERS,
                "pattern": f"^{DEAD_LETTERS}$",
                "apply-to": "queues",
                "priority": 0,
                "definition": {"delivery-limit": MOST_LOOKS},
            }
        ],
        "bindings": [
            *(_binding(BATCHES, queue, routing_key) for _, queue, routing_key in listened),
            *(_binding(again_exchange(listener), queue, queue) for listener, queue, _ in listened),
            _binding(DEAD_LETTERS, DEAD_LETTERS, "#"),
        ],
    }


if __name__ == "__main__":
    print(json.dumps(definitions(), indent=2))
