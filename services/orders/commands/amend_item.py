"""Staff change an item's status, price or quantity; the customer accepts a raised price."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.models.item import Item
from services.orders.models.order import Order
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.orders import AmendItem
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderChanged


async def amend_item(session: AsyncSession, caller: Caller, number: str, line: int, wanted: AmendItem) -> Order:
    """Refuses `Forbidden`, `UnknownOrder`, `UnknownItem`, `TransitionRefused`, `NotChangeable`, `TotalTooLarge`."""
    caller.require_staff()
    order = await queries.lock_order(session, number, caller)
    item = order.item(line)
    before = _look(item)
    total_before_minor = order.total_minor
    if wanted.unit_price_minor is not None and wanted.unit_price_minor != item.unit_price_minor:
        item.set_price(wanted.unit_price_minor, order.version + 1)
    if wanted.quantity is not None and wanted.quantity != item.quantity:
        item.set_quantity(wanted.quantity, order.version + 1)
    if wanted.status is not None and wanted.status != item.status:
        item.move_to(wanted.status)
    if _look(item) == before:
        return order
    await tell_change(session, order, item, total_before_minor)
    given = wanted.model_dump(exclude_none=True)
    was = {f"{name}_before": value for name, value in before.items() if name in given}
    await record_act(session, caller, "amend_item", number, note=None, line=line, **given, **was)
    return order


async def accept_price(session: AsyncSession, caller: Caller, number: str, line: int) -> Order:
    """Refuses `UnknownOrder`, `UnknownItem`, `TransitionRefused`."""
    order = await queries.lock_order(session, number, caller)
    item = order.item(line)
    item.accept_price()
    await tell_change(session, order, item, order.total_minor)
    await record_act(session, caller, "accept_price", number, line=line)
    return order


def _look(item: Item) -> dict[str, str | int]:
    return {"status": item.status, "unit_price_minor": item.unit_price_minor, "quantity": item.quantity}


async def tell_change(session: AsyncSession, order: Order, item: Item, total_before_minor: int) -> None:
    """Settle the order after its item has changed, and tell the one event that says best what that was."""
    was_cancelled = order.is_cancelled
    order.settle()
    order.version += 1
    if order.is_cancelled and not was_cancelled:
        await outbox.record(session, OrderCancelled(**order.facts()))
    elif order.total_minor != total_before_minor or not item.is_live:
        await outbox.record(session, OrderAmended(**order.facts(), line=item.line))
    else:
        await outbox.record(session, OrderChanged(**order.facts()))
