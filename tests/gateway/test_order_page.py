"""The order page, with all services there and with some away."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.reconciliation import findings
from gateway.reconciliation.differences import Found, Kind
from gateway.reconciliation.models import Finding
from gateway.replicas import Replicas
from shared.auth import Role
from shared.contracts.http.together import INVOICES, ORDERS, TICKET_COUNTS
from tests.eventually import eventually
from tests.gateway.conftest import Gateway, code
from tests.gateway.fakes import balance_view, invoice_view, order_view, problem, ticket_counts

NUMBER = "ORD-0000000023"


@pytest.fixture
def customer_id(gateway: Gateway) -> UUID:
    """Whose order it is, that all three services know."""
    customer_id = uuid4()
    gateway.orders.answers[f"GET /orders/{NUMBER}"] = (200, order_view(customer_id))
    gateway.billing.answers[f"GET /orders/{NUMBER}/invoice"] = (200, invoice_view(customer_id))
    gateway.billing.answers[f"GET /customers/{customer_id}/balance"] = (200, balance_view(customer_id))
    gateway.support.answers[f"GET /customers/{customer_id}/ticket-counts"] = (200, ticket_counts(customer_id))
    return customer_id


async def page(gateway: Gateway) -> Any:
    answer = await (await gateway.person(Role.FINANCIER)).ask("GET", f"/api/admin/orders/{NUMBER}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_page_puts_together_what_three_services_know(gateway: Gateway, customer_id: UUID) -> None:
    assert await page(gateway) == {
        "number": NUMBER,
        "status": "awaiting_payment",
        "placed_at": "2026-01-02T03:04:00Z",
        "currency": "USD",
        "subtotal_minor": 900,
        "delivery_minor": 100,
        "total_minor": 1_000,
        "paid_minor": 0,
        "remaining_minor": 1_000,
        "version": 1,
        "shipping_address": "2 Side Street",
        "item_counts": [{"status": "awaiting_payment", "count": 1}],
        "items": order_view(customer_id)["items"],
        "customer": {
            "id": str(customer_id),
            "login": "ann",
            "name": "Ann",
            "phone": "+1 555 0100",
            "email": "ann@example.org",
            "shipping_address": "1 Main Street",
            "balance_minor": 700,
            "held_minor": 200,
            "available_minor": 500,
            "active_orders": ["ORD-0000000024"],
            "money_actions": ["deposit", "withdraw"],
        },
        "tickets": {"new": 1, "total": 4},
        "actions": ["pay", "cancel", "add_comment"],
        "findings": [],
        "unavailable": [],
    }


async def test_pages_that_many_read_at_one_time_take_one_request_of_each_service(
    gateway: Gateway, customer_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is asked for on behalf of whoever reads it, and while one answer is waited for, the others gather."""
    readers = [await gateway.person(role) for role in (Role.OPERATOR, Role.FINANCIER, Role.ADMIN, Role.ADMIN)]
    together = gateway.app.state.together
    for asked in (together.orders, together.invoices, together.ticket_counts):
        # However slow the machine.
        monkeypatch.setattr(asked._questions, "patience_seconds", 20)

    async def all_others_wait() -> bool:
        return len(together.orders._questions._waiting) == len(readers) - 1

    gateway.orders.may_answer.clear()
    reading = [asyncio.create_task(reader.ask("GET", f"/api/admin/orders/{NUMBER}")) for reader in readers]
    await eventually(all_others_wait, "all others have asked")
    gateway.orders.may_answer.set()
    assert [(await each).status_code for each in reading] == [200] * len(readers)
    assert gateway.orders.sizes == [1, 3]
    for service in (gateway.orders, gateway.billing, gateway.support):
        assert sum(service.sizes) == len(readers)
        assert sorted(one.caller.login for one in service.asked) == sorted(reader.login for reader in readers)


async def test_findings_of_pages_that_many_read_at_one_time_are_looked_for_at_once_and_each_page_shows_its_own(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers = {f"ORD-000000003{n}": uuid4() for n in range(4)}
    for number, whose in customers.items():
        gateway.orders.answers[f"GET /orders/{number}"] = (200, order_view(whose, number))
        async with gateway.database.transaction() as session:
            await findings.keep(session, [Found(Kind.BALANCE_OFF, str(whose), {})])
    looked_for, look, may_look = list[int](), findings.list_open, asyncio.Event()

    async def look_later(session: AsyncSession, subjects: Collection[str]) -> Sequence[Finding]:
        looked_for.append(len(subjects))
        await may_look.wait()
        return await look(session, subjects)

    async def all_others_wait() -> bool:
        waiting = gateway.app.state.order_pages._findings._waiting
        return sum(looked_for) + sum(map(len, (wanted for wanted, _ in waiting))) == 2 * len(customers)

    monkeypatch.setattr(findings, "list_open", look_later)
    reader = await gateway.person(Role.OPERATOR)
    reading = [asyncio.create_task(reader.ask("GET", f"/api/admin/orders/{number}")) for number in customers]
    await eventually(all_others_wait, "all others have asked")
    may_look.set()
    shown = [[finding["subject"] for finding in (await each).json()["findings"]] for each in reading]
    assert shown == [[str(whose)] for whose in customers.values()]
    # Who came first was not waited for; for all others one look was enough.
    assert len(looked_for) <= 2


async def test_a_service_that_does_not_know_how_many_are_asked_for_is_asked_for_each(
    gateway: Gateway, customer_id: UUID
) -> None:
    """As it is while an older one has yet to be replaced."""
    for service, kind in ((gateway.orders, ORDERS), (gateway.billing, INVOICES), (gateway.support, TICKET_COUNTS)):
        service.answers[f"POST {kind.path}"] = (404, problem(404, "not_found"))
    assert (await page(gateway))["unavailable"] == []


async def test_without_billing_the_rest_is_there(
    gateway: Gateway, customer_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(gateway.app.state.clients._replicas, "billing", Replicas("billing", "http://127.0.0.1:1"))
    shown = await page(gateway)
    assert shown["unavailable"] == ["billing"]
    assert (shown["customer"]["balance_minor"], shown["customer"]["available_minor"]) == (None, None)
    assert shown["actions"] == ["cancel", "add_comment"]
    assert shown["tickets"] == {"new": 1, "total": 4}


async def test_without_support_the_rest_is_there(gateway: Gateway, customer_id: UUID) -> None:
    path = f"GET /customers/{customer_id}/ticket-counts"
    gateway.support.answers[path] = (503, problem(503, "unavailable"))
    shown = await page(gateway)
    assert (shown["unavailable"], shown["tickets"]) == (["support"], None)
    assert shown["actions"] == ["pay", "cancel"]


@pytest.mark.parametrize("slow", ["billing", "support"])
async def test_a_slow_service_costs_its_part_and_is_waited_for_while_the_other_is_asked(
    gateway: Gateway, customer_id: UUID, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """The other one answers when the slow one is asked as well: one after the other, both would cost their parts."""
    monkeypatch.setattr(gateway.app.state.clients._link.http, "_timeout", aiohttp.ClientTimeout())
    [late, other] = sorted([gateway.billing, gateway.support], key=lambda fake: fake.name != slow)
    late.may_answer, other.may_answer = asyncio.Event(), late.was_asked
    shown = await page(gateway)
    late.may_answer.set()
    assert shown["unavailable"] == [slow]


async def test_without_orders_there_is_no_page(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gateway.app.state.clients._replicas, "orders", Replicas("orders", "http://127.0.0.1:1"))
    answer = await (await gateway.person(Role.OPERATOR)).ask("GET", f"/api/admin/orders/{NUMBER}")
    assert code(answer) == (503, "unavailable")
    assert answer.json()["service"] == "orders"


async def test_an_order_that_billing_has_not_heard_of_has_a_balance_and_cannot_be_paid_yet(
    gateway: Gateway, customer_id: UUID
) -> None:
    del gateway.billing.answers[f"GET /orders/{NUMBER}/invoice"]
    shown = await page(gateway)
    assert shown["customer"]["balance_minor"] == 700
    assert (shown["actions"], shown["unavailable"]) == (["cancel", "add_comment"], [])


async def test_what_orders_refuses_is_passed_on(gateway: Gateway) -> None:
    gateway.orders.answers[f"GET /orders/{NUMBER}"] = (404, problem(404, "unknown_order"))
    customer = await gateway.person(Role.CUSTOMER)
    assert code(await customer.ask("GET", f"/api/portal/orders/{NUMBER}")) == (404, "unknown_order")
    assert not gateway.billing.asked
    assert not gateway.support.asked


async def test_changing_an_order_answers_with_its_page(gateway: Gateway, customer_id: UUID) -> None:
    changed = order_view(customer_id, version=2)
    gateway.orders.answers[f"PATCH /orders/{NUMBER}/items/1"] = (200, changed)
    gateway.orders.answers[f"POST /orders/{NUMBER}/cancellation"] = (200, changed)
    gateway.orders.answers["POST /orders"] = (201, changed)
    person = await gateway.person(Role.OPERATOR)
    place = {
        "customer_id": str(customer_id),
        "currency": "USD",
        "shipping_address": "",
        "items": [{"sku": "S", "title": "T", "quantity": 1, "unit_price_minor": 1}],
    }
    answers = [
        await person.ask("PATCH", f"/api/admin/orders/{NUMBER}/items/1", {"quantity": 2}),
        await person.ask("POST", f"/api/admin/orders/{NUMBER}/cancellation", {"reason": "asked to"}),
        await person.ask("POST", "/api/admin/orders", place),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 201]
    assert {(answer.json()["version"], answer.json()["customer"]["balance_minor"]) for answer in answers} == {(2, 700)}


async def test_a_customer_orders_for_nobody_else(gateway: Gateway) -> None:
    me = await gateway.person(Role.CUSTOMER)
    gateway.orders.answers["POST /orders"] = (201, order_view(me.id or uuid4()))
    items = [{"sku": "S", "title": "T", "quantity": 1, "unit_price_minor": 1}]
    mine = {"currency": "USD", "shipping_address": "", "items": items}
    assert (await me.ask("POST", "/api/portal/orders", mine)).status_code == 201
    assert f'"customer_id":"{me.id}"' in gateway.orders.asked[0].body.decode()
    other = await me.ask("POST", "/api/portal/orders", {**mine, "customer_id": str(uuid4())})
    assert code(other) == (422, "invalid_request")


async def test_a_customer_accepts_a_raised_price(gateway: Gateway) -> None:
    me = await gateway.person(Role.CUSTOMER)
    gateway.orders.answers[f"POST /orders/{NUMBER}/items/2/acceptance"] = (200, order_view(me.id or uuid4()))
    answer = await me.ask("POST", f"/api/portal/orders/{NUMBER}/items/2/acceptance")
    assert (answer.status_code, answer.json()["number"]) == (200, NUMBER)
