"""What customers can do, with what is their own."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from gateway import paying
from gateway.asking import Ask, Door, caller_of, customers_only, order_pages_of, together_of
from gateway.customers import find_refusal_of_order
from gateway.rates import Payments
from gateway.schemas import OrderPage, Part, PlaceOwnOrder, WhichMessages, WhichOwnOrders, WhichTransfers
from shared.contracts.base import OrderNumber
from shared.contracts.http.base import Page
from shared.contracts.http.billing import BalanceView, PayForOrder, PaymentView, StatementView
from shared.contracts.http.orders import CustomerView, OrderRow, PlaceOrder
from shared.contracts.http.support import (
    AddMessage,
    BeginTicket,
    MessageView,
    ReadTicket,
    TicketCounts,
    TicketRow,
    TicketView,
)
from shared.web import IdempotencyKey

router = Door("/api/portal", customers_only, tags=["portal"])
Number = Annotated[OrderNumber, Path()]
ItsLine = Annotated[int, Path(ge=1, le=100_000)]


async def _own_id(request: Request) -> UUID:
    customer_id = caller_of(request).customer_id
    assert customer_id is not None  # or `customers_only` has refused
    return customer_id


Me = Annotated[UUID, Depends(_own_id)]


async def _not_too_often(request: Request) -> None:
    payments: Payments = request.app.state.payments
    await payments.begin(await _own_id(request))


@router.get("/profile", response_model=CustomerView)
async def get_own_profile(ask: Ask, me: Me) -> Response:
    """Who I am to the shop."""
    return await ask.orders.ask("GET", f"/customers/{me}")


@router.get("/orders", response_model=Page[OrderRow])
async def list_own_orders(ask: Ask, which: Annotated[WhichOwnOrders, Query()]) -> Response:
    """My orders, newest first."""
    return await ask.orders.ask("GET", "/orders", query=which)


@router.post("/orders", status_code=201, response_model=OrderPage)
async def place_own_order(ask: Ask, me: Me, wanted: PlaceOwnOrder, key: IdempotencyKey, request: Request) -> Response:
    """Place an order."""
    mine = PlaceOrder.model_validate({"customer_id": me, **wanted.model_dump(exclude_unset=True)})
    placed = await ask.orders.ask("POST", "/orders", mine, key=key)
    return await order_pages_of(request).placed(ask, mine, key, placed)


@router.get("/orders/{number}", response_model=OrderPage)
async def get_own_order(ask: Ask, number: Number, request: Request) -> Response:
    """My order's page."""
    return await order_pages_of(request).read(ask, number)


@router.post(
    "/orders/{number}/payments", status_code=201, response_model=PaymentView, dependencies=[Depends(_not_too_often)]
)
async def pay_for_own_order(
    ask: Ask, number: Number, wanted: PayForOrder, key: IdempotencyKey, request: Request
) -> Response:
    """Pay from my balance: what remains, or as far as the balance goes, or `amount_minor`."""
    return await paying.pay(together_of(request), ask, number, wanted, key)


@router.post("/orders/{number}/items/{line}/acceptance", response_model=OrderPage)
async def accept_price(ask: Ask, number: Number, line: ItsLine, request: Request) -> Response:
    """Accept an item's raised price."""
    accepted = await ask.orders.ask("POST", f"/orders/{number}/items/{line}/acceptance")
    return await order_pages_of(request).of(ask, accepted)


@router.get("/balance", response_model=BalanceView)
async def get_own_balance(ask: Ask, me: Me) -> Response:
    """My money."""
    return await ask.billing.ask("GET", f"/customers/{me}/balance")


@router.get("/transfers", response_model=StatementView)
async def get_own_statement(ask: Ask, me: Me, which: Annotated[WhichTransfers, Query()]) -> Response:
    """What my balance is made of, oldest first."""
    return await ask.billing.ask("GET", f"/customers/{me}/transfers", query=which)


@router.get("/tickets", response_model=Page[TicketRow])
async def list_own_tickets(ask: Ask, me: Me, which: Annotated[Part, Query()]) -> Response:
    """My conversations."""
    return await ask.support.ask("GET", f"/customers/{me}/tickets", query=which)


@router.post("/tickets", status_code=201, response_model=TicketView)
async def begin_own_ticket(ask: Ask, me: Me, wanted: BeginTicket, key: IdempotencyKey) -> Response:
    """Write to support."""
    if refusal := await find_refusal_of_order(ask, me, wanted.order_number):
        return refusal
    return await ask.support.ask("POST", f"/customers/{me}/tickets", wanted, key=key)


@router.get("/ticket-counts", response_model=TicketCounts)
async def get_own_ticket_counts(ask: Ask, me: Me) -> Response:
    """My conversations, counted."""
    return await ask.support.ask("GET", f"/customers/{me}/ticket-counts")


@router.get("/tickets/{ticket_id}", response_model=TicketView)
async def get_own_ticket(ask: Ask, ticket_id: UUID, which: Annotated[WhichMessages, Query()]) -> Response:
    """A conversation, newest message last."""
    return await ask.support.ask("GET", f"/tickets/{ticket_id}", query=which)


@router.post("/tickets/{ticket_id}/messages", status_code=201, response_model=MessageView)
async def add_own_message(
    ask: Ask, ticket_id: UUID, wanted: AddMessage, key: IdempotencyKey, request: Request
) -> Response:
    """Say something in a conversation."""
    return await together_of(request).messages.ask(ask.caller, ticket_id, wanted, key)


@router.post("/tickets/{ticket_id}/read", response_model=TicketRow)
async def read_own_ticket(ask: Ask, ticket_id: UUID, wanted: ReadTicket | None = None) -> Response:
    """I have read it."""
    return await ask.support.ask("POST", f"/tickets/{ticket_id}/read", wanted or ReadTicket())
