"""Customers across the services: who is one, and how one comes to be."""

from uuid import UUID

from fastapi import Response

from gateway.accounts import passwords, queries
from gateway.accounts.commands.open_account import open_account
from gateway.clients import Services, parse
from gateway.errors import LoginTaken, OrderOfAnotherCustomer, UnknownCustomer
from gateway.schemas import NewCustomer, NewCustomerView
from shared import idempotency
from shared.contracts.http.orders import CustomerView, OrderView, RegisterCustomer
from shared.db import Database
from shared.errors import NotFound


async def require_customer(database: Database, services: Services, customer_id: UUID) -> None:
    """Refuse `UnknownCustomer` unless there is one, `Unavailable` where nobody can tell: billing and support take any
    id for a customer's."""
    async with database.transaction() as session:
        known = await queries.find_customer(session, customer_id)
    if known is None:
        # Registered a moment ago, and not told yet?
        try:
            await services.orders.read(CustomerView, f"/customers/{customer_id}")
        except NotFound:
            raise UnknownCustomer from None


async def find_refusal_of_order(services: Services, customer_id: UUID, number: str | None) -> Response | None:
    """The refusal to write about this order, if there is one: support takes any number for an order's."""
    if number is None:
        return None
    answer = await services.orders.ask("GET", f"/orders/{number}")
    if answer.status_code != 200:
        return answer
    if parse(OrderView, answer).customer.id != customer_id:
        raise OrderOfAnotherCustomer(number)
    return None


async def register_customer(
    database: Database, services: Services, secret: passwords.ServerSecret, wanted: NewCustomer, key: str
) -> Response:
    """Make a customer in orders, then their login here; broken off in between, it is completed by sending it again.

    Refuses `LoginTaken`, `IdempotencyKeyReused`, and whatever orders refuses.
    """
    scope = f"{services.caller.login} POST /api/admin/customers"
    async with database.transaction() as session:
        taken = await queries.find_account(session, wanted.login)
    if taken is not None and taken.customer_id is None:
        # Orders knows customers' logins only.
        raise LoginTaken(wanted.login)
    profile = RegisterCustomer.model_validate(wanted.model_dump(exclude={"password"}, exclude_unset=True))
    answer = await services.orders.ask("POST", "/customers", profile, key=key)
    if answer.status_code >= 400:
        return answer
    customer = parse(CustomerView, answer)
    password = wanted.password or secret.password(scope, key, wanted.login)
    password_hash = await passwords.hash_password(password)

    async with database.transaction() as session:

        async def open_it() -> CustomerView:
            await open_account(session, customer.id, customer.login, password_hash)
            return customer

        request = secret.fingerprint(wanted.model_dump_json())
        await idempotency.once(session, scope, key, request, CustomerView, open_it)
    shown = NewCustomerView(**customer.model_dump(), password=None if wanted.password else password)
    return Response(shown.model_dump_json(exclude_none=True), answer.status_code, media_type="application/json")
