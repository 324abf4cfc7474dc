"""What the orders service tells."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.base import Currency, Event, Line, OrderNumber, Sum, Text


class OrderStatus(StrEnum):
    """Where an order stands, as product and integrators name it."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    IN_HANDLING = "in_handling"
    READY_TO_SHIP = "ready_to_ship"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    AWAITING_ADDITIONAL_PAYMENT = "awaiting_additional_payment"
    CANCELLED = "cancelled"


class CustomerRegistered(
    Event, routing_key="orders.customer_registered.v1", aggregate="customer", subject="customer_id"
):
    """A person can now place orders; they sign in with this login."""

    customer_id: UUID
    login: Text


class OrderFacts(Event):
    """How an order stands after a change. Every event of an order bears all of it."""

    order_number: OrderNumber
    customer_id: UUID
    status: OrderStatus
    currency: Currency
    total_minor: Sum
    paid_minor: Sum
    remaining_minor: Sum


class OrderPlaced(OrderFacts, routing_key="orders.order_placed.v1", aggregate="order", subject="order_number"):
    """A new order."""


class OrderAmended(OrderFacts, routing_key="orders.order_amended.v1", aggregate="order", subject="order_number"):
    """What the order costs, or which items it has, has changed."""

    line: Line


class OrderCancelled(OrderFacts, routing_key="orders.order_cancelled.v1", aggregate="order", subject="order_number"):
    """The order is off: it costs nothing, and stays so."""


class OrderChanged(OrderFacts, routing_key="orders.order_changed.v1", aggregate="order", subject="order_number"):
    """The order moved on (paid, handled, shipped ...) at the same cost."""
