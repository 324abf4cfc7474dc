"""A customer, or staff for them, places an order."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.errors import CurrencyMismatch, UnknownCustomer
from services.orders.models.item import Item
from services.orders.models.order import Order
from services.orders.views import order_view
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.orders import ItemStatus, OrderView, PlaceOrder
from shared.contracts.orders import OrderPlaced, OrderStatus


async def place_order(session: AsyncSession, caller: Caller, wanted: PlaceOrder, shop_currency: str) -> OrderView:
    """Refuses `UnknownCustomer`, `CurrencyMismatch`, `TotalTooLarge`."""
    if wanted.currency != shop_currency:
        raise CurrencyMismatch(wanted.currency, shop_currency)
    if not caller.may_see(wanted.customer_id):
        raise UnknownCustomer
    customer = await queries.get_customer(session, wanted.customer_id, caller)
    order = Order(
        customer_id=customer.id,
        customer=customer,
        status=OrderStatus.AWAITING_PAYMENT.value,
        currency=wanted.currency,
        delivery_minor=wanted.delivery_minor,
        shipping_address=wanted.shipping_address,
        paid_minor=0,
        billing_version=0,
        paid_version=0,
        version=1,
        items=[
            Item(line=line, status=ItemStatus.AWAITING_PAYMENT.value, raised_version=1, **item.model_dump())
            for line, item in enumerate(wanted.items, 1)
        ],
    )
    order.settle()
    session.add(order)
    await session.flush()
    await session.refresh(order, ["placed_at"])
    await outbox.record(session, OrderPlaced(**order.facts()))
    await record_act(session, caller, "place_order", order.name, total_minor=order.total_minor)
    return order_view(order, (await queries.list_active_besides(session, [order.number]))[order.number], caller)
