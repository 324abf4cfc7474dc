"""Whatever is sent to whichever address: a problem, never a bug, and nothing goes further."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from shared.auth import Role
from tests.fuzz.bodies import bad_bodies
from tests.gateway.conftest import Gateway, Person

BODIES = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"\xff\xfe",
    b'{"amount_minor": NaN}',
    b'{"amount_minor": 1e999}',
    b'{"amount_minor": ' + b"9" * 5_000 + b"}",
    b'{"text": "\\ud800", "\\u0000": 1}',
    b"[" * 20_000,
    b'{"a":' * 9_000,
    b"x" * 64_001,
)
VALUES = ("%00", "9" * 30, "-1", "%ff", "..%2f..", "%F0%9F%92%B0", "a" * 2_000)
KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")


def _operations(gateway: Gateway) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in gateway.app.openapi()["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/api/") and not path.endswith(("/live", "/session")):
                yield method.upper(), path, operation


def _filled(path: str, value: str | None = None) -> str:
    good = {"number": "ORD-0000000023", "line": "1", "login": "nobody"}
    for name in ("number", "line", "login", "customer_id", "ticket_id"):
        path = path.replace(f"{{{name}}}", value or good.get(name, "00000000-0000-4000-8000-000000000000"))
    return path


async def _refused(person: Person, method: str, path: str, **more: Any) -> None:
    answer = await person.ask(method, path, **more)
    assert 400 <= answer.status_code < 500, f"{method} {path} {more}: {answer.status_code}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text


@pytest.fixture(params=[Role.ADMIN, Role.CUSTOMER])
async def person(gateway: Gateway, request: pytest.FixtureRequest) -> Person:
    return await gateway.person(request.param)


async def test_a_body_that_must_be_unpacked_is_refused_whatever_is_in_it(person: Person) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 64_000
    for path in ("/api/admin/orders", "/api/portal/orders"):
        answer = await person.ask("POST", path, body=bomb, **{"Content-Encoding": "gzip"})
        assert (answer.status_code, answer.json()["code"]) == (415, "encoded_body")


async def test_no_body_makes_a_bug(gateway: Gateway, person: Person) -> None:
    for method, path, operation in _operations(gateway):
        if "requestBody" in operation:
            for body in BODIES:
                await _refused(person, method, _filled(path), body=body)


async def test_nothing_bad_in_any_field_is_taken(gateway: Gateway) -> None:
    admin, customer = await gateway.person(Role.ADMIN), await gateway.person(Role.CUSTOMER)
    document, tried = gateway.app.openapi(), 0
    for method, path, operation in _operations(gateway):
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            continue
        person = customer if path.startswith("/api/portal/") else admin
        address = _filled(path.replace("{customer_id}", str(customer.id)))
        for body in bad_bodies(schema, document):
            answer = await person.ask(method, address, body=body)
            assert answer.status_code in (400, 413, 422), f"{method} {path} {body[:300]!r}: {answer.status_code}"
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"]
            tried += 1
    assert tried > 500
    assert not any(fake.asked for fake in gateway.fakes)


async def test_no_kind_of_body_makes_a_bug(gateway: Gateway, person: Person) -> None:
    for method, path, operation in _operations(gateway):
        if "requestBody" in operation:
            for kind in KINDS:
                await _refused(person, method, _filled(path), body=b"--", **{"Content-Type": kind})


async def test_no_place_in_an_address_makes_a_bug(gateway: Gateway, person: Person) -> None:
    for method, path, _ in _operations(gateway):
        if "{" in path:
            for value in VALUES:
                await _refused(person, method, _filled(path, value))


async def test_no_query_makes_a_bug(gateway: Gateway, person: Person) -> None:
    for method, path, operation in _operations(gateway):
        names = [parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
        for name in names:
            for value in (*VALUES, "1e999", "true&" + name + "=2"):
                answer = await person.ask(method, f"{_filled(path)}?{name}={value}")
                assert answer.status_code < 500, f"{method} {path} {name}={value}"


async def test_no_header_makes_a_bug(gateway: Gateway) -> None:
    for value in ("Bearer", "bearer \xe4", "Basic YTpi", "Bearer " + "x" * 5_000, "\xff"):
        answer = await gateway.http.get("/api/session", headers=[(b"Authorization", value.encode("latin-1"))])
        assert answer.status_code == 401
    for cookie in ("__Host-purser=", "__Host-purser=\xff", "=;;=", "__Host-purser=a; __Host-purser=b"):
        answer = await gateway.http.get("/api/session", headers=[(b"Cookie", cookie.encode("latin-1"))])
        assert answer.status_code == 401
