"""Orders' door for HTTP: each route is one call."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import positions, queries, views
from services.orders.commands.amend_item import accept_price, amend_item
from services.orders.commands.cancel_order import cancel_order
from services.orders.commands.place_order import place_order
from services.orders.commands.register_customer import register_customer
from services.orders.commands.tell_order_again import tell_order_again
from services.orders.models.order import Order
from shared import outbox
from shared.acts import list_acts
from shared.auth import Caller
from shared.bodies import UnambiguousRoute
from shared.contracts.base import OrderNumber, Text
from shared.contracts.http.base import ActView, Page
from shared.contracts.http.orders import (
    AmendItem,
    CancelOrder,
    CustomerView,
    NewestOrders,
    OrderGroup,
    OrderRow,
    OrderView,
    PlaceOrder,
    RegisterCustomer,
)
from shared.contracts.http.reconciliation import OrderPosition, ToldAgain
from shared.contracts.http.together import MOST, ORDERS, Answer, OrderAsked
from shared.contracts.orders import OrderStatus
from shared.cursors import Cursor, Ids, Lately, Limit, Many, ManyNames, Numbers, decode_cursor, encode_cursor
from shared.errors import Refusal
from shared.together import FOR_MANY, One, answer_many, show_each
from shared.web import Asking, Once, Reading, Session

router = APIRouter(route_class=UnambiguousRoute, tags=["orders"])
Number = Annotated[OrderNumber, Path()]
ItsLine = Annotated[int, Path(ge=1, le=100_000)]
Search = Annotated[Text, Query(max_length=200)]
NEWEST = 100


async def _shop_currency(request: Request) -> str:
    return str(request.app.state.currency)


async def _view(session: AsyncSession, order: Order, caller: Caller) -> OrderView:
    active = await queries.list_active_besides(session, [order.number])
    return views.order_view(order, active[order.number], caller)


@router.post("/customers", status_code=201)
async def register(wanted: RegisterCustomer, session: Session, caller: Asking, once: Once) -> CustomerView:
    """Register a customer."""
    return await once(CustomerView, lambda: register_customer(session, caller, wanted))


@router.get("/customers")
async def list_customers(
    session: Session, caller: Asking, q: Search = "", id: Ids = (), cursor: Cursor = None, limit: Limit = 50
) -> Page[CustomerView]:
    """Customers by login; `q` is a part of a name, e-mail or login, and `id`s name the ones that are meant."""
    caller.require_staff()
    [after] = decode_cursor(cursor, str) if cursor else [""]
    found = await queries.list_customers(session, q, id, after, limit + 1)
    next_ = encode_cursor(found[limit - 1].login) if len(found) > limit else None
    return Page(items=[views.customer_view(customer) for customer in found[:limit]], next=next_)


@router.get("/customers/{customer_id}")
async def get_customer(customer_id: UUID, session: Reading, caller: Asking) -> CustomerView:
    """A customer."""
    return views.customer_view(await queries.get_customer(session, customer_id, caller))


@router.get("/customers/{customer_id}/acts")
async def get_customer_acts(customer_id: UUID, session: Reading, caller: Asking) -> list[ActView]:
    """What staff did with a customer's data, newest first."""
    caller.require_staff()
    return await list_acts(session, str(customer_id))


@router.post("/orders", status_code=201)
async def place(
    wanted: PlaceOrder,
    session: Session,
    caller: Asking,
    once: Once,
    currency: Annotated[str, Depends(_shop_currency)],
) -> OrderView:
    """Place an order."""
    return await once(OrderView, lambda: place_order(session, caller, wanted, currency))


@router.get("/orders")
async def list_orders(
    session: Session,
    caller: Asking,
    q: Search = "",
    status: OrderStatus | None = None,
    group: OrderGroup | None = None,
    customer_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[OrderRow]:
    """Orders, newest first; `q` is the last digits of a number, or a part of the customer's name or e-mail."""
    whose = customer_id if caller.is_staff else caller.customer_id
    [before] = decode_cursor(cursor, int) if cursor else [None]
    found = await queries.list_orders(session, q, status, group, whose, before, limit + 1)
    next_ = encode_cursor(found[limit - 1].number) if len(found) > limit else None
    return Page(items=[views.order_row(order) for order in found[:limit]], next=next_)


@router.get("/newest-orders")
async def list_newest_orders(session: Reading, caller: Asking, customer_id: Ids = ()) -> list[NewestOrders]:
    """How the newest 100 orders of each of these customers stand."""
    caller.require_staff()
    found = await queries.list_newest_orders(session, customer_id, NEWEST)
    return [views.newest_orders(each, found.get(each, ())) for each in customer_id]


@router.post("/for-many/orders", dependencies=FOR_MANY, response_model=list[Answer | None])
async def get_orders(asked: Annotated[list[OrderAsked], Field(max_length=MOST)], session: Reading) -> Response:
    """Orders with their items and their customers, each as whoever asks may see it."""

    async def see_all(ones: Sequence[One[str]]) -> Sequence[OrderView | Refusal]:
        found = await queries.list_shown(session, {one.thing for one in ones})
        active = await queries.list_active_besides(session, [order.number for order in found.values()])

        def show(number: str, caller: Caller) -> OrderView:
            order = queries.seen(found.get(number), number, caller)
            return views.order_view(order, active[order.number], caller)

        return show_each(ones, show)

    return await answer_many([One(ORDERS, each) for each in asked], see_all)


@router.get("/orders/{number}")
async def get_order(number: Number, session: Reading, caller: Asking) -> OrderView:
    """An order with its items and its customer."""
    return await _view(session, await queries.get_order(session, number, caller), caller)


@router.post("/orders/{number}/cancellation")
async def cancel(number: Number, session: Session, caller: Asking, wanted: CancelOrder | None = None) -> OrderView:
    """Cancel an order; again changes nothing."""
    order = await cancel_order(session, caller, number, wanted.reason if wanted else None)
    return await _view(session, order, caller)


@router.patch("/orders/{number}/items/{line}")
async def amend(number: Number, line: ItsLine, wanted: AmendItem, session: Session, caller: Asking) -> OrderView:
    """Change an item's status, price or quantity."""
    return await _view(session, await amend_item(session, caller, number, line, wanted), caller)


@router.post("/orders/{number}/items/{line}/acceptance")
async def accept(number: Number, line: ItsLine, session: Session, caller: Asking) -> OrderView:
    """Accept an item's raised price."""
    return await _view(session, await accept_price(session, caller, number, line), caller)


@router.get("/orders/{number}/acts")
async def get_acts(number: Number, session: Reading, caller: Asking) -> list[ActView]:
    """What staff did with an order, newest first."""
    caller.require_staff()
    await queries.get_order(session, number, caller)
    return await list_acts(session, number)


@router.get("/positions")
async def list_positions(
    session: Reading, caller: Asking, after: OrderNumber | None = None, number: Numbers = (), limit: Many = 500
) -> list[OrderPosition]:
    """How orders stand, by number."""
    caller.require_admin()
    return await positions.list_positions(session, after, number, limit)


@router.get("/positions/lately")
async def list_told_lately(
    session: Reading, caller: Asking, seconds: Lately = 300, after: OrderNumber | None = None, limit: ManyNames = 500
) -> list[OrderNumber]:
    """Orders that were told of lately, or are yet to be, by number."""
    caller.require_admin()
    return await outbox.list_told_lately(session, "order", seconds, after or "", limit)


@router.post("/orders/{number}/telling")
async def tell_again(number: Number, session: Session, caller: Asking) -> ToldAgain:
    """Tell the order's facts again, as a new version."""
    return await tell_order_again(session, caller, number)
