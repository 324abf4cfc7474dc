"""Ways around a door: other spellings of an address, headers that name another one, a Host that is none."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.access.conftest import NOTHING, World, request
from tests.access.test_gateway_matrix import ROUTES, told

STAFFS = [route for route in ROUTES if route.path.startswith("/api/admin/")]
OTHER_METHOD = {"X-HTTP-Method-Override": "GET", "X-HTTP-Method": "GET", "X-Method-Override": "GET"}
OTHER_ADDRESS = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Original-URI")
OTHER_PERSON = {"X-User": "admin", "X-User-Role": "admin", "X-Forwarded-User": "admin", "X-Remote-User": "admin"}
SPELLINGS = (
    "/api/admin/orders/",
    "//api/admin/orders",
    "/api//admin/orders",
    "/api/admin//orders",
    "/api/./admin/orders",
    "/api/portal/../admin/orders",
    "/api/portal/..;/admin/orders",
    "/api/portal/%2e%2e/admin/orders",
    "/api/portal/%2e%2e%2fadmin/orders",
    "/api/%61dmin/orders",
    "/api%2fadmin%2forders",
    "/API/ADMIN/ORDERS",
    "/Api/Admin/Orders",
    "/api/admin/orders;x=y",
    "/api/admin/orders.json",
    "/api/admin/orders%00",
    "/api/admin/orders%20",
    "/api/admin/orders%0a",
    "/api/admin/orders/.",
    "/api\\admin\\orders",
    "/api/admin/orders?/api/portal/orders",
    "/api/admin/orders#/api/portal/orders",
    "http://127.0.0.1/api/admin/orders",
    "/assets/../api/admin/orders",
    "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/admin/../api/admin/orders",
)
HOSTS = (
    "",
    "evil.example",
    "evil.example/api/portal/orders?x=",
    "/api/portal/orders",
    "[",
    "[::1",
    "127.0.0.1:99999999",
    "a b",
    "portal@127.0.0.1",
    "\\..",
)


async def raw(world: World, target: str, headers: dict[str, str], method: str = "GET") -> tuple[int, str, str]:
    """Status, media type and body of a request whose target no library tidies."""
    where = urlsplit(world.purser.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write(("\r\n".join([*lines, "Connection: close", "", ""])).encode())
        async with asyncio.timeout(10):
            head, _, body = (await reader.read()).decode("utf-8", "replace").partition("\r\n\r\n")
    finally:
        writer.close()
    status, *fields = head.split("\r\n")
    kinds = [field.partition(": ")[2] for field in fields if field.lower().startswith("content-type:")]
    return int(status.split()[1]), "".join(kinds), body


def is_shut(status: int, kind: str, body: str) -> bool:
    """Refused, or the customers' site, which answers every address that is nobody's with the same page."""
    page = status == 200 and kind.startswith("text/html") and '"items"' not in body
    return (400 <= status < 500 and "passwd" not in body) or page


async def test_a_customer_does_not_come_in_by_another_spelling_of_staffs_address(world: World) -> None:
    where = urlsplit(world.purser.url)
    bearer = {"Host": where.netloc, "Authorization": world.owner.person.http.headers["Authorization"]}
    answers = {spelling: await raw(world, spelling, bearer) for spelling in SPELLINGS}
    assert {spelling: answer for spelling, answer in answers.items() if not is_shut(*answer)} == {}
    assert (await raw(world, "/api/portal/orders", bearer))[0] == 200


@pytest.mark.parametrize("host", HOSTS)
async def test_who_may_come_in_does_not_hang_on_the_host(world: World, host: str) -> None:
    """What a request calls its host is part of no decision: a routed path is what is looked at."""
    bearer = {"Host": host, "Authorization": world.owner.person.http.headers["Authorization"]}
    for target in ("/api/admin/orders", "//api/admin/orders", "/api/admin/orders/"):
        assert is_shut(*await raw(world, target, bearer)), target
    status, _, _ = await raw(world, "/api/portal/orders", bearer)
    assert status in (200, 400)


async def test_no_header_turns_a_request_into_another_one(world: World) -> None:
    """Staff's routes stay staff's, a reading stays one, and nobody says in a header who they are."""
    http, wrong = world.owner.person.http, []
    theirs = world.owner.names()
    for route in STAFFS:
        for name in OTHER_ADDRESS:
            headers = {**OTHER_METHOD, **OTHER_PERSON, name: "/api/portal/orders"}
            answer = await request(http, route.method, route.address(theirs), headers=headers)
            if told(answer) != (403, "forbidden"):
                wrong.append(f"{route.name} {name}: {told(answer)}")
    for name in OTHER_ADDRESS:
        page = await request(http, "GET", "/api/portal/orders", headers={name: "/api/admin/customers"})
        assert {order["customer_id"] for order in page.json()["items"]} == {world.owner.person.id}
    override = {"X-HTTP-Method-Override": "PATCH", "X-Method-Override": "PATCH"}
    answer = await request(http, "GET", f"/api/portal/orders/{world.owner.order}?_method=DELETE", headers=override)
    assert answer.json()["number"] == world.owner.order
    assert wrong == []


async def test_a_method_that_a_route_does_not_have_is_refused(world: World) -> None:
    known: dict[str, set[str]] = {}
    for route in ROUTES:
        known.setdefault(route.path, set()).add(route.method)
    wrong = []
    for route in ROUTES:
        if route.path.startswith("/api/"):
            for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - known[route.path]:
                if method == "HEAD" and "GET" in known[route.path]:
                    continue
                answer = await request(world.owner.person.http, method, route.address(NOTHING))
                if answer.status_code not in (404, 405):
                    wrong.append(f"{method} {route.path}: {answer.status_code}")
    assert wrong == []
