"""What staff can do; each service decides for itself whether this one of them may."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from gateway import paying
from gateway.acts import list_acts
from gateway.asking import Ask, Door, order_pages_of, staff_only, together_of
from gateway.customers import find_refusal_of_order, register_customer, require_customer
from gateway.names import with_names
from gateway.routes import findings, holds, staff
from gateway.schemas import (
    NewCustomer,
    NewCustomerView,
    OrderPage,
    Part,
    ShopTicketRow,
    WhichCustomers,
    WhichMessages,
    WhichOrders,
    WhichTickets,
    WhichTransfers,
)
from shared.contracts.base import OrderNumber
from shared.contracts.http.base import ActView, Page
from shared.contracts.http.billing import (
    BalanceView,
    HoldView,
    MoneyMoved,
    MoveMoney,
    PayForOrder,
    PaymentView,
    StatementView,
    WithdrawalLimitView,
)
from shared.contracts.http.orders import AmendItem, CancelOrder, CustomerView, OrderRow, PlaceOrder
from shared.contracts.http.support import (
    AddMessage,
    BeginTicket,
    MessageView,
    ReadTicket,
    ShopCounts,
    TicketCounts,
    TicketRow,
    TicketView,
)
from shared.web import IdempotencyKey

router = Door("/api/admin", staff_only)
router.include_router(staff.router)
router.include_router(holds.router)
router.include_router(findings.router)
Number = Annotated[OrderNumber, Path()]
ItsLine = Annotated[int, Path(ge=1, le=100_000)]


async def _known(customer_id: UUID, services: Ask, request: Request) -> UUID:
    await require_customer(request.app.state.database, services, customer_id)
    return customer_id


Customer = Annotated[UUID, Depends(_known)]


# --- Orders -----------------------------------------------------------------------------------------------------------


@router.get("/orders", response_model=Page[OrderRow], tags=["orders"])
async def list_orders(ask: Ask, which: Annotated[WhichOrders, Query()]) -> Response:
    """Orders, newest first."""
    return await ask.orders.ask("GET", "/orders", query=which)


@router.post("/orders", status_code=201, response_model=OrderPage, tags=["orders"])
async def place_order(ask: Ask, wanted: PlaceOrder, key: IdempotencyKey, request: Request) -> Response:
    """Place an order for a customer."""
    placed = await ask.orders.ask("POST", "/orders", wanted, key=key)
    return await order_pages_of(request).placed(ask, wanted, key, placed)


@router.get("/orders/{number}", response_model=OrderPage, tags=["orders"])
async def get_order(ask: Ask, number: Number, request: Request) -> Response:
    """The order page: one read, one page."""
    return await order_pages_of(request).read(ask, number)


@router.post("/orders/{number}/payments", status_code=201, response_model=PaymentView, tags=["money"])
async def pay(ask: Ask, number: Number, wanted: PayForOrder, key: IdempotencyKey, request: Request) -> Response:
    """Pay for an order from its customer's balance: what remains, or as far as the balance goes, or `amount_minor`."""
    return await paying.pay(together_of(request), ask, number, wanted, key)


@router.post("/orders/{number}/cancellation", response_model=OrderPage, tags=["orders"])
async def cancel(ask: Ask, number: Number, request: Request, wanted: CancelOrder | None = None) -> Response:
    """Cancel an order; what was paid returns to the balance. Again on a cancelled one changes nothing."""
    cancelled = await ask.orders.ask("POST", f"/orders/{number}/cancellation", wanted or CancelOrder())
    return await order_pages_of(request).of(ask, cancelled)


@router.patch("/orders/{number}/items/{line}", response_model=OrderPage, tags=["orders"])
async def amend_item(ask: Ask, number: Number, line: ItsLine, wanted: AmendItem, request: Request) -> Response:
    """Change an item's status, price or quantity."""
    amended = await ask.orders.ask("PATCH", f"/orders/{number}/items/{line}", wanted)
    return await order_pages_of(request).of(ask, amended)


@router.get("/orders/{number}/acts", response_model=list[ActView], tags=["orders"])
async def list_order_acts(ask: Ask, number: Number) -> Response:
    """What staff did with an order, newest first."""
    return await list_acts(f"/orders/{number}/acts", ask.orders, ask.billing)


# --- Customers and their money ----------------------------------------------------------------------------------------


@router.get("/customers", response_model=Page[CustomerView], tags=["customers"])
async def list_customers(ask: Ask, which: Annotated[WhichCustomers, Query()]) -> Response:
    """Customers."""
    return await ask.orders.ask("GET", "/customers", query=which)


@router.post("/customers", status_code=201, response_model=NewCustomerView, tags=["customers"])
async def make_customer(ask: Ask, wanted: NewCustomer, key: IdempotencyKey, request: Request) -> Response:
    """Make a customer who can sign in."""
    return await register_customer(request.app.state.database, ask, request.app.state.secret, wanted, key)


@router.get("/customers/{customer_id}", response_model=CustomerView, tags=["customers"])
async def get_customer(ask: Ask, customer_id: UUID) -> Response:
    """A customer."""
    return await ask.orders.ask("GET", f"/customers/{customer_id}")


@router.get("/customers/{customer_id}/balance", response_model=BalanceView, tags=["money"])
async def get_balance(ask: Ask, customer_id: Customer) -> Response:
    """A customer's money."""
    return await ask.billing.ask("GET", f"/customers/{customer_id}/balance")


@router.get("/customers/{customer_id}/transfers", response_model=StatementView, tags=["money"])
async def get_statement(ask: Ask, customer_id: Customer, which: Annotated[WhichTransfers, Query()]) -> Response:
    """What a customer's balance is made of, oldest first."""
    return await ask.billing.ask("GET", f"/customers/{customer_id}/transfers", query=which)


@router.post("/customers/{customer_id}/deposits", status_code=201, response_model=MoneyMoved, tags=["money"])
async def deposit(ask: Ask, customer_id: Customer, wanted: MoveMoney, key: IdempotencyKey) -> Response:
    """Put money on a customer's balance."""
    return await ask.billing.ask("POST", f"/customers/{customer_id}/deposits", wanted, key=key)


@router.post(
    "/customers/{customer_id}/withdrawals",
    status_code=201,
    response_model=MoneyMoved,
    responses={202: {"model": HoldView, "description": "It waits until another person approves it"}},
    tags=["money"],
)
async def withdraw(ask: Ask, customer_id: Customer, wanted: MoveMoney, key: IdempotencyKey) -> Response:
    """Take money off a customer's balance: at once, or, beyond the limit, when another person has approved it."""
    return await ask.billing.ask("POST", f"/customers/{customer_id}/withdrawals", wanted, key=key)


@router.get("/customers/{customer_id}/withdrawal-limit", response_model=WithdrawalLimitView, tags=["money"])
async def get_withdrawal_limit(ask: Ask, customer_id: Customer) -> Response:
    """How much more can be taken off a customer's balance without another person's approval."""
    return await ask.billing.ask("GET", f"/customers/{customer_id}/withdrawal-limit")


@router.get("/customers/{customer_id}/acts", response_model=list[ActView], tags=["money"])
async def list_customer_acts(ask: Ask, customer_id: Customer) -> Response:
    """What staff did with a customer, their money and their conversations, newest first."""
    return await list_acts(f"/customers/{customer_id}/acts", ask.orders, ask.billing, ask.support)


# --- Tickets ----------------------------------------------------------------------------------------------------------


@router.get("/customers/{customer_id}/tickets", response_model=Page[TicketRow], tags=["tickets"])
async def list_customer_tickets(ask: Ask, customer_id: Customer, which: Annotated[Part, Query()]) -> Response:
    """A customer's conversations."""
    return await ask.support.ask("GET", f"/customers/{customer_id}/tickets", query=which)


@router.post("/customers/{customer_id}/tickets", status_code=201, response_model=TicketView, tags=["tickets"])
async def begin_ticket(ask: Ask, customer_id: Customer, wanted: BeginTicket, key: IdempotencyKey) -> Response:
    """Begin a conversation with a customer."""
    if refusal := await find_refusal_of_order(ask, customer_id, wanted.order_number):
        return refusal
    return await ask.support.ask("POST", f"/customers/{customer_id}/tickets", wanted, key=key)


@router.get("/customers/{customer_id}/ticket-counts", response_model=TicketCounts, tags=["tickets"])
async def get_customer_ticket_counts(ask: Ask, customer_id: Customer) -> Response:
    """A customer's conversations, counted."""
    return await ask.support.ask("GET", f"/customers/{customer_id}/ticket-counts")


@router.get("/ticket-counts", response_model=ShopCounts, tags=["tickets"])
async def get_ticket_counts(ask: Ask) -> Response:
    """New tickets of all customers."""
    return await ask.support.ask("GET", "/ticket-counts")


@router.get("/tickets", response_model=Page[ShopTicketRow], tags=["tickets"])
async def list_tickets(ask: Ask, which: Annotated[WhichTickets, Query()]) -> Response:
    """Conversations of all customers."""
    return await with_names(ask, await ask.support.ask("GET", "/tickets", query=which))


@router.get("/tickets/{ticket_id}", response_model=TicketView, tags=["tickets"])
async def get_ticket(ask: Ask, ticket_id: UUID, which: Annotated[WhichMessages, Query()]) -> Response:
    """A conversation, newest message last."""
    return await ask.support.ask("GET", f"/tickets/{ticket_id}", query=which)


@router.post("/tickets/{ticket_id}/messages", status_code=201, response_model=MessageView, tags=["tickets"])
async def add_message(ask: Ask, ticket_id: UUID, wanted: AddMessage, key: IdempotencyKey, request: Request) -> Response:
    """Say something in a conversation."""
    return await together_of(request).messages.ask(ask.caller, ticket_id, wanted, key)


@router.post("/tickets/{ticket_id}/read", response_model=TicketRow, tags=["tickets"])
async def read_ticket(ask: Ask, ticket_id: UUID, wanted: ReadTicket | None = None) -> Response:
    """Staff have read it: it is not new any more."""
    return await ask.support.ask("POST", f"/tickets/{ticket_id}/read", wanted or ReadTicket())


@router.post("/tickets/{ticket_id}/close", response_model=TicketRow, tags=["tickets"])
async def close_ticket(ask: Ask, ticket_id: UUID) -> Response:
    """Close a conversation; a new message opens it again."""
    return await ask.support.ask("POST", f"/tickets/{ticket_id}/close")
