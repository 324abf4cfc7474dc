"""Who listens to what, on one page. Each pair is one lasting queue, `<listener>.on.<routing key>`."""

from shared.contracts.base import Event
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.contracts.orders import CustomerRegistered, OrderAmended, OrderCancelled, OrderPlaced

SUBSCRIPTIONS: dict[str, tuple[type[Event], ...]] = {
    "orders": (OrderPaid, OrderRefunded),
    "billing": (OrderPlaced, OrderAmended, OrderCancelled),
    "support": (OrderPaid, OrderRefunded),
    "gateway": (CustomerRegistered,),
}


def queue_name(listener: str, event: type[Event]) -> str:
    return f"{listener}.on.{event.routing_key}"


LISTENED_TO: frozenset[str] = frozenset(event.routing_key for events in SUBSCRIPTIONS.values() for event in events)
"""Routing keys that some lasting queue must take: telling one that no queue takes is an alarm, not a shrug."""
