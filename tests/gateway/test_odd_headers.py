"""Headers with something in them that nobody meant: no bug, and nobody becomes somebody else."""

import pytest

from shared.auth import Role
from tests.gateway.conftest import Gateway, Person, code

ODD = (
    "", "x" * 8_000, "\xff\xfe", "\xc3\xa4", "null", "-1", "1e999", "a\tb", "'; DROP TABLE x --", "%00%ff", "::::", "[",
    ",,,", "chunked", "127.0.0.1", "https://evil.example",
)  # fmt: skip
HEADERS = (
    "Host", "Last-Event-ID", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-User-Id",
    "X-Correlation-Id", "X-HTTP-Method-Override", "Accept", "Accept-Encoding", "Accept-Language", "Range", "Cookie",
    "If-None-Match", "Origin", "Upgrade", "Expect", "Content-Encoding", "Content-Type", "TE",
)  # fmt: skip


def headers(person: Person, **more: str) -> list[tuple[bytes, bytes]]:
    known = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json", "Idempotency-Key": "k"}
    return [(name.encode(), value.encode("latin-1")) for name, value in {**known, **more}.items()]


@pytest.mark.parametrize("header", HEADERS)
async def test_no_odd_header_makes_a_bug_or_another_person(gateway: Gateway, header: str) -> None:
    person = await gateway.person(Role.OPERATOR)
    for value in ODD:
        odd = headers(person, **{header: value})
        who = await gateway.http.get("/api/session", headers=odd)
        assert (who.status_code, who.json()["login"]) == (200, person.login), value
        paid = await gateway.http.post("/api/admin/orders/ORD-0000000023/payments", headers=odd, content=b"{}")
        assert code(paid)[0] in ((415,) if header == "Content-Encoding" else (404, 422)), (value, paid.text)
        assert code(await gateway.http.post("/api/nothing", headers=odd, content=b"{}")) == (404, "not_found")


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
async def test_an_odd_key_is_taken_as_it_is_or_refused(gateway: Gateway, value: str) -> None:
    person = await gateway.person(Role.ADMIN)
    odd = headers(person, **{"Idempotency-Key": value})
    answer = await gateway.http.post("/api/admin/orders/ORD-0000000023/payments", headers=odd, content=b"{}")
    assert code(answer) in ((400, "idempotency_key_invalid"), (404, "not_found")), answer.text


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
async def test_an_odd_place_in_a_stream_is_refused_or_begins_anew(gateway: Gateway, value: str) -> None:
    person = await gateway.person(Role.OPERATOR)
    async with gateway.http.stream("GET", "/api/admin/live", headers=headers(person, **{"Last-Event-ID": value})) as it:
        assert it.status_code == (422 if len(value) > 100 else 200)


async def test_a_thousand_headers_are_no_bug(gateway: Gateway) -> None:
    person = await gateway.person(Role.OPERATOR)
    many = [*headers(person), *((b"x-%d" % number, b"y") for number in range(1_000))]
    assert (await gateway.http.get("/api/session", headers=many)).status_code == 200
