"""Who may come in where, from which page; and what every answer bears."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from shared.auth import Role
from tests.gateway.conftest import PASSWORD, Gateway, code

NOBODYS_ID = "00000000-0000-4000-8000-000000000000"
PRODUCT = """
POST GET DELETE /api/session
POST /api/token
GET POST /api/admin/orders
GET /api/admin/orders/{number}
POST /api/admin/orders/{number}/payments
POST /api/admin/orders/{number}/cancellation
GET /api/admin/orders/{number}/acts
PATCH /api/admin/orders/{number}/items/{line}
GET POST /api/admin/customers
GET /api/admin/customers/{customer_id}
GET /api/admin/customers/{customer_id}/balance
GET /api/admin/customers/{customer_id}/transfers
GET /api/admin/customers/{customer_id}/acts
POST /api/admin/customers/{customer_id}/deposits
POST /api/admin/customers/{customer_id}/withdrawals
GET /api/admin/customers/{customer_id}/withdrawal-limit
GET /api/admin/holds
GET /api/admin/holds/{hold_id}
POST /api/admin/holds/{hold_id}/approval
POST /api/admin/holds/{hold_id}/refusal
GET /api/admin/hold-counts
GET POST /api/admin/customers/{customer_id}/tickets
GET /api/admin/tickets
GET /api/admin/tickets/{ticket_id}
POST /api/admin/tickets/{ticket_id}/messages
POST /api/admin/tickets/{ticket_id}/read
POST /api/admin/tickets/{ticket_id}/close
GET /api/admin/ticket-counts
GET /api/admin/live
GET POST /api/admin/staff
PATCH /api/admin/staff/{login}
GET POST /api/portal/orders
GET /api/portal/orders/{number}
POST /api/portal/orders/{number}/payments
POST /api/portal/orders/{number}/items/{line}/acceptance
GET /api/portal/balance
GET /api/portal/transfers
GET POST /api/portal/tickets
GET /api/portal/tickets/{ticket_id}
POST /api/portal/tickets/{ticket_id}/messages
POST /api/portal/tickets/{ticket_id}/read
GET /api/portal/ticket-counts
GET /api/portal/live
GET /healthz
GET /readyz
GET /metrics
"""
OPEN = {("POST", "/api/session"), ("POST", "/api/token")}
SIGNED_IN = {("GET", "/api/session"), ("DELETE", "/api/session")}

FROM_ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


def _operations(gateway: Gateway) -> Iterator[tuple[str, str]]:
    for path, operations in gateway.app.openapi()["paths"].items():
        for method in operations:
            yield method.upper(), path


def _example(path: str) -> str:
    for name, value in {"{number}": "ORD-9999999999", "{line}": "1", "{login}": "nobody"}.items():
        path = path.replace(name, value)
    return re.sub(r"\{(customer|ticket|hold)_id\}", NOBODYS_ID, path)


async def test_openapi_has_everything_that_the_product_promises(gateway: Gateway) -> None:
    promised = {
        (method, path)
        for *methods, path in (line.split() for line in PRODUCT.strip().splitlines())
        for method in methods
    }
    assert promised <= set(_operations(gateway))


async def test_openapi_says_what_every_answer_is(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            success = next(status for status in operation["responses"] if status.startswith("2"))
            if success != "204":
                [kind] = operation["responses"][success]["content"].values()
                assert kind.get("schema") or path == "/metrics", f"{method} {path} has no shape"


async def test_every_address_of_the_api_is_somebodys(gateway: Gateway) -> None:
    """No route is behind no door."""
    for method, path in _operations(gateway):
        if path.startswith("/api/") and (method, path) not in OPEN | SIGNED_IN:
            assert path.startswith(("/api/admin/", "/api/portal/")), path
    loose = [route.path for route in gateway.app.routes if isinstance(route, APIRoute)]
    assert not [path for path in loose if path.startswith("/api/") and path not in gateway.app.openapi()["paths"]]


async def test_nobody_comes_in_without_a_session(gateway: Gateway) -> None:
    for method, path in _operations(gateway):
        if path.startswith("/api/") and (method, path) not in OPEN:
            answer = await gateway.http.request(method, _example(path))
            assert code(answer) == (401, "unauthenticated"), f"{method} {path}"


@pytest.mark.parametrize(
    ("role", "door"),
    [(Role.CUSTOMER, "/api/admin/"), (Role.OPERATOR, "/api/portal/"), (Role.ADMIN, "/api/portal/")],
)
async def test_each_comes_in_by_their_own_door_only(gateway: Gateway, role: Role, door: str) -> None:
    person = await gateway.person(role)
    for method, path in _operations(gateway):
        if path.startswith(door):
            assert code(await person.ask(method, _example(path))) == (403, "forbidden"), f"{method} {path}"
    assert not [asked for fake in gateway.fakes for asked in fake.asked]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCIER])
async def test_staff_logins_are_an_admins(gateway: Gateway, role: Role) -> None:
    person = await gateway.person(role)
    for method, path in _operations(gateway):
        if path.startswith("/api/admin/staff"):
            assert code(await person.ask(method, _example(path))) == (403, "forbidden"), f"{method} {path}"


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
async def test_another_sites_page_cannot_write_with_a_persons_cookie(gateway: Gateway, headers: dict[str, str]) -> None:
    login, _ = await gateway.account(Role.OPERATOR)
    cookie = {"Cookie": f"__Host-purser={await gateway.token(login)}"}
    path = f"/api/admin/tickets/{NOBODYS_ID}/close"
    assert code(await gateway.http.post(path, headers=cookie | headers)) == (403, "cross_site")
    assert code(await gateway.http.delete("/api/session", headers=cookie | headers)) == (403, "cross_site")
    own = {"Origin": str(gateway.http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert code(await gateway.http.post(path, headers=cookie | own)) == (404, "not_found")


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
async def test_another_sites_page_can_neither_read_nor_listen_with_a_persons_cookie(
    gateway: Gateway, headers: dict[str, str]
) -> None:
    login, _ = await gateway.account(Role.OPERATOR)
    cookie = {"Cookie": f"__Host-purser={await gateway.token(login)}"}
    for path in ("/api/session", "/api/admin/orders", "/api/admin/live"):
        assert code(await gateway.http.get(path, headers=cookie | headers)) == (403, "cross_site")
    own = {"Origin": str(gateway.http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    async with gateway.http.stream("GET", "/api/admin/live", headers=cookie | own) as answer:
        assert answer.status_code == 200


async def test_another_sites_page_cannot_sign_a_person_in(gateway: Gateway) -> None:
    login, _ = await gateway.account(Role.OPERATOR)
    body = {"login": login, "password": PASSWORD}
    answer = await gateway.http.post("/api/session", json=body, headers={"Origin": "https://evil.example"})
    assert code(answer) == (403, "cross_site")


async def test_a_token_does_not_depend_on_the_page(gateway: Gateway) -> None:
    person = await gateway.person(Role.OPERATOR)
    headers = {"Origin": "https://erp.example"}
    assert code(await person.ask("POST", f"/api/admin/tickets/{NOBODYS_ID}/close", **headers)) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/admin", "/api/session", "/api/nothing", "/openapi.json", "/healthz"])
async def test_every_answer_tells_browsers_to_be_careful(gateway: Gateway, path: str) -> None:
    headers = (await gateway.http.get(path)).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-correlation-id"]
    assert (headers.get("cache-control") == "no-store") == path.startswith("/api/")


async def test_a_bug_is_a_problem_that_says_nothing_of_our_insides(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await gateway.person(Role.OPERATOR)

    def broken(*_: object) -> None:
        raise ValueError("the secret insides")

    monkeypatch.setattr(gateway.app.state.clients, "on_behalf_of", broken)
    answer = await person.ask("GET", "/api/admin/orders")
    assert code(answer) == (500, "internal_error")
    assert "insides" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-correlation-id"]
