"""Customers: how one comes to be across orders and the gateway, and what is asked on their behalf."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from gateway.consumers import on_customer_registered
from shared.auth import Role
from shared.contracts.orders import CustomerRegistered
from tests.gateway.conftest import PASSWORD, Gateway, Person, code
from tests.gateway.fakes import balance_view, customer_view, order_view, problem


def profile(login: str, **more: str) -> dict[str, str]:
    return {"login": login, "name": "Ann", "email": "ann@example.org", **more}


async def registered(gateway: Gateway, customer_id: UUID, login: str) -> None:
    """The event, as the worker's plumbing brings it."""
    event = CustomerRegistered.model_validate(
        {"customer_id": customer_id, "login": login, "version": 1, "at": "2026-01-02T03:04:05Z"}
    )
    async with gateway.database.transaction() as session:
        await on_customer_registered(event, session)


async def can_sign_in(gateway: Gateway, login: str, password: str) -> bool:
    answer = await gateway.http.post("/api/session", json={"login": login, "password": password})
    return answer.status_code == 200


async def accounts(gateway: Gateway, login: str) -> list[Any]:
    async with gateway.database.transaction() as session:
        found = await session.execute(text("SELECT * FROM accounts WHERE login = :login"), {"login": login})
        return [row._mapping for row in found]


class Shop:
    """Orders is ready to register this customer."""

    def __init__(self, gateway: Gateway, operator: Person) -> None:
        self.gateway, self.operator = gateway, operator
        self.customer_id, self.login = uuid4(), f"ann-{uuid4().hex[:8]}"
        gateway.orders.answers["POST /customers"] = (201, customer_view(self.customer_id, self.login))

    async def register(self, key: str = "k", **more: str) -> Any:
        return await self.operator.ask("POST", "/api/admin/customers", profile(self.login, **more), key=key)


@pytest.fixture
async def shop(gateway: Gateway) -> Shop:
    return Shop(gateway, await gateway.person(Role.OPERATOR))


async def test_a_new_customer_can_sign_in_with_the_password_that_was_given(gateway: Gateway, shop: Shop) -> None:
    answer = await shop.register(password=PASSWORD)
    assert answer.status_code == 201
    assert answer.json() == json.loads(json.dumps(customer_view(shop.customer_id, shop.login), default=str))
    assert await can_sign_in(gateway, shop.login, PASSWORD)


async def test_orders_is_not_told_the_password(gateway: Gateway, shop: Shop) -> None:
    await shop.register(password=PASSWORD)
    assert PASSWORD not in gateway.orders.asked[0].body.decode()
    assert "password" not in gateway.orders.asked[0].body.decode()


async def test_a_password_that_is_left_out_is_made_and_shown_again_to_a_repeat(gateway: Gateway, shop: Shop) -> None:
    first, second = await shop.register(), await shop.register()
    assert first.json() == second.json()
    assert await can_sign_in(gateway, shop.login, first.json()["password"])


async def test_a_repeat_with_another_password_is_refused(gateway: Gateway, shop: Shop) -> None:
    await shop.register(password=PASSWORD)
    assert code(await shop.register(password="something else")) == (422, "idempotency_key_reused")
    assert await can_sign_in(gateway, shop.login, PASSWORD)


async def test_registering_that_broke_off_in_between_is_completed_by_a_repeat(gateway: Gateway, shop: Shop) -> None:
    """Orders had registered the customer and told so; the gateway died before it kept the password."""
    await registered(gateway, shop.customer_id, shop.login)
    assert not await can_sign_in(gateway, shop.login, PASSWORD)
    assert (await shop.register(password=PASSWORD)).status_code == 201
    assert await can_sign_in(gateway, shop.login, PASSWORD)


async def test_the_news_of_a_customer_takes_no_password_away(gateway: Gateway, shop: Shop) -> None:
    await shop.register(password=PASSWORD)
    await registered(gateway, shop.customer_id, shop.login)
    assert await can_sign_in(gateway, shop.login, PASSWORD)
    assert len(await accounts(gateway, shop.login)) == 1


@pytest.mark.parametrize("round_", range(5))
async def test_registering_and_its_news_may_cross(gateway: Gateway, shop: Shop, round_: int) -> None:
    both = [shop.register(password=PASSWORD), registered(gateway, shop.customer_id, shop.login)]
    await asyncio.gather(*both, *(registered(gateway, shop.customer_id, shop.login) for _ in range(3)))
    assert await can_sign_in(gateway, shop.login, PASSWORD)


async def test_an_imported_customer_has_a_login_and_cannot_sign_in(gateway: Gateway) -> None:
    customer_id, login = uuid4(), f"imported-{uuid4().hex[:8]}"
    await registered(gateway, customer_id, login)
    [account] = await accounts(gateway, login)
    assert (account["customer_id"], account["password_hash"], account["role"]) == (customer_id, None, "customer")


async def test_a_login_of_the_staff_is_taken(gateway: Gateway, shop: Shop) -> None:
    shop.login = shop.operator.login
    assert code(await shop.register()) == (409, "login_taken")
    assert not gateway.orders.asked


async def test_an_event_that_claims_a_login_of_the_staff_changes_nothing(gateway: Gateway, shop: Shop) -> None:
    await registered(gateway, uuid4(), shop.operator.login)
    [account] = await accounts(gateway, shop.operator.login)
    assert account["customer_id"] is None


async def test_what_orders_refuses_makes_no_login(gateway: Gateway, shop: Shop) -> None:
    gateway.orders.answers["POST /customers"] = (409, problem(409, "login_taken"))
    assert code(await shop.register()) == (409, "login_taken")
    assert not await accounts(gateway, shop.login)


@pytest.mark.parametrize("password", ["short", "x" * 1_025, "1234567\u0000"])
async def test_a_bad_password_is_refused_before_anything_is_made(gateway: Gateway, shop: Shop, password: str) -> None:
    assert code(await shop.register(password=password)) == (422, "invalid_request")
    assert not gateway.orders.asked


async def test_money_and_tickets_are_for_customers_that_there_are(gateway: Gateway) -> None:
    admin, nobody = await gateway.person(Role.ADMIN), uuid4()
    money = {"amount_minor": 1, "currency": "USD"}
    talk = {"subject": "S", "text": "T"}
    for method, path, body in (
        ("POST", "deposits", money),
        ("POST", "withdrawals", money),
        ("POST", "tickets", talk),
        ("GET", "tickets", None),
        ("GET", "balance", None),
        ("GET", "transfers", None),
        ("GET", "acts", None),
    ):
        answer = await admin.ask(method, f"/api/admin/customers/{nobody}/{path}", body)
        assert code(answer) == (404, "unknown_customer"), path
    assert not gateway.billing.asked + gateway.support.asked


async def test_a_customer_of_whom_only_orders_knows_yet_is_one(gateway: Gateway) -> None:
    admin, newcomer = await gateway.person(Role.ADMIN), uuid4()
    gateway.orders.answers[f"GET /customers/{newcomer}"] = (200, customer_view(newcomer))
    gateway.billing.answers[f"GET /customers/{newcomer}/balance"] = (200, balance_view(newcomer))
    assert (await admin.ask("GET", f"/api/admin/customers/{newcomer}/balance")).status_code == 200


async def test_nobody_gets_money_while_orders_cannot_say_whether_they_are_a_customer(gateway: Gateway) -> None:
    admin, nobody = await gateway.person(Role.ADMIN), uuid4()
    gateway.orders.answers[f"GET /customers/{nobody}"] = (503, problem(503, "unavailable"))
    money = {"amount_minor": 1, "currency": "USD"}
    answer = await admin.ask("POST", f"/api/admin/customers/{nobody}/deposits", money)
    assert code(answer) == (503, "unavailable")
    assert gateway.billing.asked == []


async def test_a_ticket_is_about_ones_own_order(gateway: Gateway) -> None:
    me = await gateway.person(Role.CUSTOMER)
    assert me.id is not None
    talk = {"subject": "S", "text": "T", "order_number": "ORD-0000000023"}
    gateway.support.answers[f"POST /customers/{me.id}/tickets"] = (201, {})
    assert code(await me.ask("POST", "/api/portal/tickets", talk)) == (404, "not_found")
    assert not gateway.support.asked
    gateway.orders.answers["GET /orders/ORD-0000000023"] = (200, order_view(me.id))
    assert (await me.ask("POST", "/api/portal/tickets", talk)).status_code == 201


async def test_staff_write_to_a_customer_about_that_customers_order(gateway: Gateway) -> None:
    operator = await gateway.person(Role.OPERATOR)
    _, customer_id = await gateway.account(Role.CUSTOMER)
    gateway.orders.answers["GET /orders/ORD-0000000023"] = (200, order_view(uuid4()))
    talk = {"subject": "S", "text": "T", "order_number": "ORD-0000000023"}
    answer = await operator.ask("POST", f"/api/admin/customers/{customer_id}/tickets", talk)
    assert code(answer) == (422, "order_of_another_customer")
    assert not gateway.support.asked
