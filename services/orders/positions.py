"""How each order stands, and how it should by its own items: for reconciliation."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.orders.models.order import Order, number_of
from shared.contracts.http.reconciliation import OrderPosition
from shared.contracts.orders import OrderStatus


async def list_positions(
    session: AsyncSession, after: str | None, numbers: Sequence[str], limit: int
) -> list[OrderPosition]:
    """Orders by number, those after `after`, or these. One statement, so that each is seen with its items."""
    wanted = select(Order).options(joinedload(Order.items)).order_by(Order.number).limit(limit)
    if after is not None:
        wanted = wanted.where(Order.number > number_of(after))
    if numbers:
        wanted = wanted.where(Order.number.in_([number_of(number) for number in numbers]))
    orders = (await session.scalars(wanted)).unique().all()
    # What follows is worked out, and not done.
    session.expunge_all()
    return [_position(order) for order in orders]


def _position(order: Order) -> OrderPosition:
    kept = {"status": OrderStatus(order.status), "total_minor": order.total_minor}
    before = [item.status for item in order.items]
    order.settle()
    if order.is_cancelled:
        misplaced = sum(item.is_live for item in order.items)
    else:
        misplaced = sum(item.status != status for item, status in zip(order.items, before, strict=True))
    return OrderPosition(
        **kept,
        order_number=order.name,
        customer_id=order.customer_id,
        currency=order.currency,
        paid_minor=order.paid_minor,
        version=order.version,
        billing_version=order.billing_version,
        settled_status=OrderStatus(order.status),
        settled_total_minor=order.total_minor,
        misplaced_items=misplaced,
    )
