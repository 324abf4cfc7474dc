"""What goes through the gateway arrives whole, and so does the answer."""

import json
from uuid import uuid4

import pytest

from gateway.replicas import Replicas
from shared.auth import Role
from tests.gateway.conftest import Gateway, code
from tests.gateway.fakes import customer_view, problem, ticket_row

PAYMENTS = "/orders/ORD-0000000023/payments"
PAID = {"transfer_id": str(uuid4()), "paid_minor": 5, "remaining_minor": 0, "order_status": "paid"}


async def test_a_service_hears_who_asks_what_with_which_key(gateway: Gateway) -> None:
    gateway.billing.answers[f"POST {PAYMENTS}"] = (201, PAID)
    person = await gateway.person(Role.FINANCIER)
    headers = {"X-Correlation-Id": "correlation-1234"}
    answer = await person.ask("POST", f"/api/admin{PAYMENTS}", {"amount_minor": 5}, key="a key", **headers)
    assert (answer.status_code, answer.json()) == (201, PAID)
    [asked] = gateway.billing.asked
    assert (asked.caller.login, asked.caller.role) == (person.login, Role.FINANCIER)
    assert asked.headers["idempotency-key"] == "a key"
    assert asked.headers["x-correlation-id"] == "correlation-1234" == answer.headers["x-correlation-id"]
    assert json.loads(asked.body) == {"amount_minor": 5}
    assert "cookie" not in asked.headers


async def test_a_withdrawal_that_waits_is_passed_on_as_one(gateway: Gateway) -> None:
    person, (_, customer_id) = await gateway.person(Role.FINANCIER), await gateway.account(Role.CUSTOMER)
    path, hold = f"/customers/{customer_id}/withdrawals", {"id": str(uuid4()), "state": "waiting"}
    gateway.billing.answers[f"POST {path}"] = (202, hold)
    answer = await person.ask("POST", f"/api/admin{path}", {"amount_minor": 5, "currency": "USD"})
    assert (answer.status_code, answer.json()) == (202, hold)


async def test_a_decision_needs_a_key_and_may_do_without_a_body(gateway: Gateway) -> None:
    person, path = await gateway.person(Role.ADMIN), f"/holds/{uuid4()}/approval"
    gateway.billing.answers[f"POST {path}"] = (200, {})
    assert code(await person.ask("POST", f"/api/admin{path}", key="")) == (400, "idempotency_key_missing")
    assert (await person.ask("POST", f"/api/admin{path}", key="k")).status_code == 200
    [asked] = gateway.billing.asked
    assert (json.loads(asked.body), asked.headers["idempotency-key"]) == ({}, "k")


async def test_a_service_hears_which_customer_asks(gateway: Gateway) -> None:
    person = await gateway.person(Role.CUSTOMER)
    gateway.billing.answers[f"GET /customers/{person.id}/balance"] = (200, {"balance_minor": 1})
    assert (await person.ask("GET", "/api/portal/balance")).json() == {"balance_minor": 1}
    assert gateway.billing.asked[0].caller.customer_id == person.id


async def test_a_query_is_passed_on_as_far_as_it_was_given(gateway: Gateway) -> None:
    gateway.orders.answers["GET /orders"] = (200, {"items": [], "next": None})
    person = await gateway.person(Role.OPERATOR)
    await person.ask("GET", "/api/admin/orders?q=a%26b%20%C3%A4&status=paid&limit=7")
    assert gateway.orders.asked[0].query == {"q": "a&b ä", "status": "paid", "limit": "7"}
    gateway.support.answers["GET /tickets"] = (200, {"items": [], "next": None})
    await person.ask("GET", "/api/admin/tickets?new=true")
    assert gateway.support.asked[0].query == {"new": "true"}


async def test_a_statement_is_asked_for_by_days(gateway: Gateway) -> None:
    person = await gateway.person(Role.CUSTOMER)
    await person.ask("GET", "/api/portal/transfers?from=2026-01-02&to=2026-02-03")
    assert gateway.billing.asked[0].query == {"from": "2026-01-02", "to": "2026-02-03"}


async def test_a_refusal_is_passed_on_untouched(gateway: Gateway) -> None:
    refusal = problem(409, "amount_changed") | {"remaining_minor": 1_100}
    gateway.billing.answers[f"POST {PAYMENTS}"] = (409, refusal)
    gateway.billing.headers["Retry-After"] = "3"
    answer = await (await gateway.person(Role.ADMIN)).ask("POST", f"/api/admin{PAYMENTS}", {})
    assert code(answer) == (409, "amount_changed")
    assert answer.json() == refusal
    assert answer.headers["retry-after"] == "3"


async def test_an_order_unknown_to_billing_is_not_unknown_while_orders_cannot_say(gateway: Gateway) -> None:
    person = await gateway.person(Role.ADMIN)
    gateway.orders.answers["GET /orders/ORD-0000000023"] = (503, problem(503, "unavailable"))
    assert code(await person.ask("POST", f"/api/admin{PAYMENTS}", {})) == (503, "unavailable")


async def test_a_service_that_does_not_believe_the_gateway_does_not_sign_anybody_out(gateway: Gateway) -> None:
    gateway.orders.answers["GET /orders"] = (401, problem(401, "unauthenticated"))
    answer = await (await gateway.person(Role.OPERATOR)).ask("GET", "/api/admin/orders")
    assert code(answer) == (503, "unavailable")


async def test_a_service_that_is_down_is_named(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gateway.app.state.clients._replicas, "billing", Replicas("billing", "http://127.0.0.1:1"))
    answer = await (await gateway.person(Role.ADMIN)).ask("POST", f"/api/admin{PAYMENTS}", {})
    assert code(answer) == (503, "unavailable")
    assert answer.json()["service"] == "billing"
    assert int(answer.headers["retry-after"]) >= 1


async def test_what_the_body_may_leave_out_is_made_up_for(gateway: Gateway) -> None:
    ticket_id = uuid4()
    person = await gateway.person(Role.OPERATOR)
    await person.ask("POST", f"/api/admin/tickets/{ticket_id}/read")
    await person.ask("POST", "/api/admin/orders/ORD-0000000023/cancellation")
    assert [json.loads(asked.body) for asked in (*gateway.support.asked, *gateway.orders.asked)] == [{}, {}]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"{", (400, "malformed_json")),
        (b'{"amount_minor": 1, "note": "\xff"}', (400, "malformed_json")),
        ({"amount_minor": 0, "currency": "USD"}, (422, "invalid_request")),
        ({"amount_minor": -1, "currency": "USD"}, (422, "invalid_request")),
        ({"amount_minor": 1.5, "currency": "USD"}, (422, "invalid_request")),
        ({"amount_minor": "1", "currency": "USD"}, (422, "invalid_request")),
        ({"amount_minor": True, "currency": "USD"}, (422, "invalid_request")),
        ({"amount_minor": 10**12 + 1, "currency": "USD"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "usd"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "note": "a\u0000"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "note": "\ud800"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "note": "x" * 501}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "\ud800": 1}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "role": "admin"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "note": "x" * 64_000}, (413, "body_too_large")),
    ],
)
async def test_bad_input_is_refused_before_it_goes_anywhere(
    gateway: Gateway, body: object, refusal: tuple[int, str]
) -> None:
    _, customer_id = await gateway.account(Role.CUSTOMER)
    person = await gateway.person(Role.FINANCIER)
    assert code(await person.ask("POST", f"/api/admin/customers/{customer_id}/deposits", body)) == refusal
    assert not gateway.billing.asked


@pytest.mark.parametrize(("key", "refusal"), [("", "missing"), ("x" * 256, "invalid"), ("ä", "invalid")])
async def test_what_makes_something_new_needs_a_key(gateway: Gateway, key: str, refusal: str) -> None:
    person = await gateway.person(Role.FINANCIER)
    headers = [(b"Authorization", f"Bearer {person.token}".encode()), (b"Idempotency-Key", key.encode())]
    answer = await gateway.http.post(f"/api/admin{PAYMENTS}", json={}, headers=headers[: 2 if key else 1])
    assert code(answer) == (400, f"idempotency_key_{refusal}")
    assert not gateway.billing.asked


@pytest.mark.parametrize(
    "path",
    [
        "/orders/23",
        "/orders/ORD-00000000023",
        "/orders/ORD-0000000023%0A",
        "/customers/me",
        "/tickets/1",
        "/orders?limit=101",
        "/orders?limit=0",
        "/orders?status=lost",
        "/orders?q=%00",
        "/orders?owner=me",
        f"/orders?cursor={'x' * 301}",
        "/customers/00000000-0000-4000-8000-000000000000/transfers?from=yesterday",
    ],
)
async def test_a_bad_address_is_refused_before_it_goes_anywhere(gateway: Gateway, path: str) -> None:
    person = await gateway.person(Role.OPERATOR)
    assert code(await person.ask("GET", f"/api/admin{path}"))[0] in (404, 422)
    assert not gateway.billing.asked + gateway.support.asked
    assert {asked.path for asked in gateway.orders.asked} <= {path.partition("/transfers")[0]}


async def test_the_shops_conversations_bear_their_customers_names(gateway: Gateway) -> None:
    person = await gateway.person(Role.OPERATOR)
    known, unknown = uuid4(), uuid4()
    rows = [ticket_row(known), ticket_row(unknown)]
    gateway.support.answers["GET /tickets"] = (200, {"items": rows, "next": None})
    gateway.orders.answers["GET /customers"] = (200, {"items": [customer_view(known)], "next": None})
    answer = await person.ask("GET", "/api/admin/tickets?new=true")
    assert [row["customer_name"] for row in answer.json()["items"]] == ["Ann", None]
    assert {row["id"] for row in answer.json()["items"]} == {row["id"] for row in rows}


async def test_without_orders_the_conversations_are_listed_without_names(gateway: Gateway) -> None:
    person = await gateway.person(Role.OPERATOR)
    gateway.support.answers["GET /tickets"] = (200, {"items": [ticket_row(uuid4())], "next": None})
    gateway.orders.answers["GET /customers"] = (503, problem(503, "unavailable"))
    answer = await person.ask("GET", "/api/admin/tickets")
    assert [row["customer_name"] for row in answer.json()["items"]] == [None]
