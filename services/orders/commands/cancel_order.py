"""Staff cancel an order; billing returns what was paid."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.models.order import Order
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.orders import OrderCancelled


async def cancel_order(session: AsyncSession, caller: Caller, number: str, reason: str | None) -> Order:
    """One that is cancelled already stays as it is. Refuses `Forbidden`, `UnknownOrder`, `NotCancellable`."""
    caller.require_staff()
    order = await queries.lock_order(session, number, caller)
    if order.is_cancelled:
        return order
    before: dict[str, str | int | None] = {"status_before": order.status, "total_minor_before": order.total_minor}
    order.cancel()
    order.version += 1
    await outbox.record(session, OrderCancelled(**order.facts()))
    await record_act(session, caller, "cancel_order", number, reason, **before)
    return order
