"""Who may come in where: every route of the interface, and everybody who might try it.

A route that is not in the table fails the first test: whoever adds one says here whose it is.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest
from sqlalchemy import insert

from gateway.accounts.commands.sign_in import hash_token
from gateway.accounts.models import Session
from tests.access.conftest import NOTHING, Household, World, request
from tests.access.table import need_a_body, read_table, routes_in
from tests.system import PASSWORD

ROUTES = read_table("""
# method         path                                               who: anybody, somebody (signed in), customer,
#                                                                   staff, money (financier, admin), admin
GET              /healthz                                           anybody
GET              /readyz                                            anybody
GET              /metrics                                           anybody
POST             /api/session                                       anybody
POST             /api/token                                         anybody
GET,DELETE       /api/session                                       somebody

GET,POST         /api/admin/orders                                  staff
GET              /api/admin/orders/{number}                         staff
POST             /api/admin/orders/{number}/payments                money
POST             /api/admin/orders/{number}/cancellation            staff
PATCH            /api/admin/orders/{number}/items/{line}            staff
GET              /api/admin/orders/{number}/acts                    staff
GET,POST         /api/admin/customers                               staff
GET              /api/admin/customers/{customer_id}                 staff
GET              /api/admin/customers/{customer_id}/balance         staff
GET              /api/admin/customers/{customer_id}/transfers       staff
POST             /api/admin/customers/{customer_id}/deposits        money
POST             /api/admin/customers/{customer_id}/withdrawals     money
GET              /api/admin/customers/{customer_id}/withdrawal-limit staff
GET              /api/admin/customers/{customer_id}/acts            staff
GET              /api/admin/holds                                   staff
GET              /api/admin/hold-counts                             staff
GET              /api/admin/holds/{hold_id}                         staff
POST             /api/admin/holds/{hold_id}/approval                money
POST             /api/admin/holds/{hold_id}/refusal                 money
GET,POST         /api/admin/customers/{customer_id}/tickets         staff
GET              /api/admin/customers/{customer_id}/ticket-counts   staff
GET              /api/admin/ticket-counts                           staff
GET              /api/admin/tickets                                 staff
GET              /api/admin/tickets/{ticket_id}                     staff
POST             /api/admin/tickets/{ticket_id}/messages            staff
POST             /api/admin/tickets/{ticket_id}/read                staff
POST             /api/admin/tickets/{ticket_id}/close               staff
GET              /api/admin/live                                    staff
GET              /api/admin/findings                                staff
GET,POST         /api/admin/staff                                   admin
PATCH            /api/admin/staff/{login}                           admin
GET              /api/admin/staff/{login}/acts                      admin

GET              /api/portal/profile                                customer
GET,POST         /api/portal/orders                                 customer
GET              /api/portal/orders/{number}                        customer
POST             /api/portal/orders/{number}/payments               customer
POST             /api/portal/orders/{number}/items/{line}/acceptance customer
GET              /api/portal/balance                                customer
GET              /api/portal/transfers                              customer
GET,POST         /api/portal/tickets                                customer
GET              /api/portal/ticket-counts                          customer
GET              /api/portal/tickets/{ticket_id}                    customer
POST             /api/portal/tickets/{ticket_id}/messages           customer
POST             /api/portal/tickets/{ticket_id}/read               customer
GET              /api/portal/live                                   customer
""")
MAY = {
    "somebody": {"operator", "financier", "admin", "customer"},
    "staff": {"operator", "financier", "admin"},
    "money": {"financier", "admin"},
    "admin": {"admin"},
    "customer": {"customer"},
}
GUARDED = [route for route in ROUTES if route.who != "anybody"]
OF_ONES_OWN = [route for route in ROUTES if route.who == "customer" and route.names_something]


def body_of(route: str, customer: Household) -> Any:
    """A good body for each route that needs one, so that nothing is refused for another reason than who asks."""
    item = {"sku": "A", "title": "B", "quantity": 1, "unit_price_minor": 5}
    own = {"currency": "USD", "shipping_address": "There", "items": [item]}
    money = {"amount_minor": 1, "currency": "USD"}
    talk = {"subject": "S", "text": "T"}
    login = f"new-{uuid4().hex[:12]}"
    return {
        "POST /api/session": {"login": "admin", "password": PASSWORD},
        "POST /api/token": {},
        "POST /api/admin/orders": {**own, "customer_id": customer.person.id},
        "POST /api/admin/orders/{number}/payments": {},
        "PATCH /api/admin/orders/{number}/items/{line}": {"quantity": 2},
        "POST /api/admin/customers": {"login": login, "name": "N", "email": "n@example.org"},
        "POST /api/admin/customers/{customer_id}/deposits": money,
        "POST /api/admin/customers/{customer_id}/withdrawals": money,
        "POST /api/admin/customers/{customer_id}/tickets": talk,
        "POST /api/admin/tickets/{ticket_id}/messages": {"text": "T"},
        "POST /api/admin/staff": {"login": login, "role": "operator"},
        "PATCH /api/admin/staff/{login}": {"disabled": False},
        "POST /api/portal/orders": own,
        "POST /api/portal/orders/{number}/payments": {"amount_minor": 1},
        "POST /api/portal/tickets": talk,
        "POST /api/portal/tickets/{ticket_id}/messages": {"text": "T"},
    }.get(route)


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal; no code where it is none."""
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code, answer.json()["code"] if is_problem else ""


async def test_every_route_is_in_the_table_and_every_entry_is_a_route(world: World) -> None:
    document = world.purser.promise.document
    assert {route.name for route in ROUTES} == routes_in(document)
    assert need_a_body(document) <= {route.name for route in ROUTES if body_of(route.name, world.owner) is not None}


@pytest.fixture(scope="module")
async def outsiders(world: World) -> dict[str, dict[str, str]]:
    """What those bear who are not signed in; all but the first two once were, as the mightiest there is."""
    purser = world.purser

    async def admin() -> tuple[str, str]:
        login = f"boss-{uuid4().hex[:12]}"
        await purser.admin.post("/staff", {"login": login, "role": "admin", "password": PASSWORD})
        person = await purser.sign_in(login)
        return login, person.http.headers["Authorization"].removeprefix("Bearer ")

    login, _ = await admin()
    expired = uuid4().hex
    async with purser.databases["gateway"].transaction() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(insert(Session).values(token_hash=hash_token(expired), login=login, expires_at=past))
    disabled_login, disabled = await admin()
    await purser.admin.ask("PATCH", f"/staff/{disabled_login}", {"disabled": True})
    _, ended = await admin()
    async with httpx.AsyncClient(base_url=purser.url, timeout=30) as http:
        await http.delete("/api/session", headers={"Authorization": f"Bearer {ended}"})
    tokens = {"forged": "A" * 43, "expired": expired, "disabled": disabled, "ended": ended}
    bearers = {f"{name} token": {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
    cookies = {f"{name} cookie": {"Cookie": f"purser={token}"} for name, token in tokens.items()}
    return {"nobody": {}, **bearers, **cookies}


async def test_nobody_comes_in_without_a_session_that_lasts(world: World, outsiders: dict[str, dict[str, str]]) -> None:
    wrong = []
    async with httpx.AsyncClient(base_url=world.purser.url, timeout=30) as http:
        for name, headers in outsiders.items():
            for route in GUARDED:
                address, body = route.address(world.owner.names()), body_of(route.name, world.owner)
                if told(answer := await request(http, route.method, address, body, headers)) != (
                    401,
                    "unauthenticated",
                ):
                    wrong.append(f"{name}: {route.name} {told(answer)}")
    assert wrong == []


@pytest.mark.parametrize("role", ["operator", "financier", "admin", "customer"])
async def test_each_role_may_do_what_the_table_says_and_nothing_else(world: World, role: str) -> None:
    """Who may is not refused for who they are; who may not is told so, and hears nothing of whether it is there."""
    purser, wrong = world.purser, []
    person = world.owner.person if role == "customer" else purser.people[role]
    for route in GUARDED:
        # Its own session ends by it.
        one = await purser.sign_in(person.login) if route.name == "DELETE /api/session" else person
        body = body_of(route.name, world.owner)
        answer = await request(one.http, route.method, route.address(world.owner.names()), body)
        if role in MAY[route.who]:
            fine = answer.status_code < 300 or answer.status_code == 409
        elif route.who == "money" and role == "operator":  # who may look, and so may hear that there is none
            fine = told(answer) == (403, "forbidden")
        else:
            absent = await request(one.http, route.method, route.address(NOTHING), body)
            fine = told(answer) == told(absent) == (403, "forbidden") and answer.text == absent.text
        if not fine:
            wrong.append(f"{role}: {route.name} {told(answer)} {answer.text[:200]}")
    assert wrong == []


async def belongings(household: Household) -> list[Any]:
    return [
        await household.person.get(path)
        for path in (
            f"/orders/{household.order}",
            f"/orders/{household.paid_order}",
            "/balance",
            "/transfers",
            "/tickets",
            f"/tickets/{household.ticket}",
            "/ticket-counts",
        )
    ]


async def test_what_is_another_customers_looks_like_what_is_not_there(world: World) -> None:
    """Also to writes, which change nothing; staff's routes are refused before anything is looked for."""
    before, wrong = await belongings(world.owner), []
    http, theirs = world.stranger.person.http, world.owner.names()
    for route in OF_ONES_OWN:
        body = body_of(route.name, world.owner)
        foreign = await request(http, route.method, route.address(theirs), body)
        absent = await request(http, route.method, route.address(NOTHING), body)
        looks = [
            (answer.status_code, answer.text.replace(names["number"], "N"), sorted(answer.headers))
            for answer, names in ((foreign, theirs), (absent, NOTHING))
        ]
        if looks[0] != looks[1] or foreign.status_code != 404:
            wrong.append(f"{route.name}: {looks}")
    assert OF_ONES_OWN
    assert wrong == []
    assert await belongings(world.owner) == before
