"""Who may do what in the services themselves, whatever the gateway lets through: every route, and every role, signed
as the gateway signs. A route that is not in the table fails the first test."""

from typing import Any
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest

from shared import auth
from shared.auth import Caller, Role
from shared.contracts.http.together import INVOICES, ORDERS, TICKET_COUNTS, Kind
from tests.access.conftest import NOTHING, Household, Service, World
from tests.access.signing import asked
from tests.access.table import Route, need_a_body, read_table, routes_in
from tests.client import one_of_many, one_who_looks, refusal

# who: anybody · staff · money (financier, admin) · admin · own: staff, and the customer whose it is, while to another
# customer it is not there · own-money: the same, of staff only those who move money · some: everybody, and a customer
# is shown their own only · for-many: no person, but the gateway, which names for each thing who asks it
HEALTH = """
GET              /healthz                                  anybody
GET              /readyz                                   anybody
GET              /metrics                                  anybody
"""
ROUTES = {
    "orders": read_table(
        HEALTH
        + """
GET,POST         /customers                                staff
GET              /customers/{customer_id}                  own
GET              /customers/{customer_id}/acts             staff
GET              /orders                                   some
POST             /orders                                   own
GET              /newest-orders                            staff
POST             /for-many/orders                          for-many
GET              /orders/{number}                          own
POST             /orders/{number}/cancellation             staff
PATCH            /orders/{number}/items/{line}             staff
POST             /orders/{number}/items/{line}/acceptance  own
GET              /orders/{number}/acts                     staff
GET              /positions                                admin
GET              /positions/lately                         admin
POST             /orders/{number}/telling                  admin
"""
    ),
    "billing": read_table(
        HEALTH
        + """
POST             /customers/{customer_id}/deposits         money
POST             /customers/{customer_id}/withdrawals      money
GET              /customers/{customer_id}/balance          own
GET              /balances                                 staff
GET              /customers/{customer_id}/transfers        own
GET              /customers/{customer_id}/withdrawal-limit staff
GET              /customers/{customer_id}/acts             staff
GET              /holds                                    staff
GET              /hold-counts                              staff
GET              /holds/{hold_id}                          staff
POST             /holds/{hold_id}/approval                 money
POST             /holds/{hold_id}/refusal                  money
POST             /payments                                 for-many
POST             /for-many/invoices                        for-many
POST             /orders/{order_number}/payments           own-money
GET              /orders/{order_number}/invoice            own
GET              /orders/{order_number}/acts               staff
GET              /positions/orders                         admin
GET              /positions/orders/lately                  admin
GET              /positions/accounts                       admin
POST             /orders/{order_number}/telling            admin
"""
    ),
    "support": read_table(
        HEALTH
        + """
GET,POST         /customers/{customer_id}/tickets          own
GET              /customers/{customer_id}/ticket-counts    own
GET              /customers/{customer_id}/acts             staff
GET              /ticket-counts                            staff
GET              /ticket-counts/of-customers               staff
GET              /tickets                                  staff
GET              /tickets/{ticket_id}                      own
POST             /for-many/ticket-counts                   for-many
POST             /messages                                 for-many
POST             /tickets/{ticket_id}/messages             own
POST             /tickets/{ticket_id}/read                 own
POST             /tickets/{ticket_id}/close                staff
GET              /positions/counts                         admin
GET              /positions/shop                           admin
POST             /customers/{customer_id}/recount          admin
"""
    ),
}
STAFF = {"operator", "financier", "admin"}
MAY = {
    "staff": STAFF,
    "money": {"financier", "admin"},
    "admin": {"admin"},
    "own": STAFF | {"owner"},
    "own-money": {"financier", "admin", "owner"},
    "some": STAFF | {"owner", "stranger"},
}


def body_of(route: str, customer: Household) -> Any:
    money = {"amount_minor": 1, "currency": "USD"}
    item = {"sku": "A", "title": "B", "quantity": 1, "unit_price_minor": 5}
    place = {"customer_id": customer.person.id, "currency": "USD", "shipping_address": "There", "items": [item]}
    return {
        "POST /customers": {"login": f"new-{uuid4().hex[:12]}", "name": "N", "email": "n@example.org"},
        "POST /orders": place,
        "PATCH /orders/{number}/items/{line}": {"quantity": 2},
        "POST /customers/{customer_id}/deposits": money,
        "POST /customers/{customer_id}/withdrawals": money,
        "POST /holds/{hold_id}/approval": {"note": "N"},
        "POST /holds/{hold_id}/refusal": {"note": "N"},
        "POST /for-many/orders": [one_who_looks(customer.order, Caller("admin", Role.ADMIN))],
        "POST /for-many/invoices": [one_who_looks(customer.order, Caller("admin", Role.ADMIN))],
        "POST /for-many/ticket-counts": [one_who_looks(customer.person.id, Caller("admin", Role.ADMIN))],
        "POST /payments": [one_of_many(customer.order, {"amount_minor": 1}, Caller("admin", Role.ADMIN))],
        "POST /orders/{order_number}/payments": {"amount_minor": 1},
        "POST /customers/{customer_id}/tickets": {"subject": "S", "text": "T"},
        "POST /messages": [one_of_many(customer.names()["ticket_id"], {"text": "T"}, Caller("admin", Role.ADMIN))],
        "POST /tickets/{ticket_id}/messages": {"text": "T"},
    }.get(route)


def caller(role: str, world: World) -> Caller:
    if role in STAFF:
        return Caller(role, Role(role))
    person = getattr(world, role).person
    return Caller(person.login, Role.CUSTOMER, UUID(person.id))


async def test_every_route_is_in_the_table_and_every_entry_is_a_route(world: World, service: Service) -> None:
    name, http = service
    document = (await http.get("/openapi.json")).json()
    assert {route.name for route in ROUTES[name]} == routes_in(document)
    assert need_a_body(document) <= {route.name for route in ROUTES[name] if body_of(route.name, world.owner)}


@pytest.mark.parametrize("role", ["operator", "financier", "admin", "owner", "stranger"])
async def test_each_role_may_do_what_the_table_says_and_nothing_else(world: World, service: Service, role: str) -> None:
    name, http = service
    key, who, wrong = world.purser.installation.key, caller(role, world), []

    async def ask(route: Route, names: dict[str, str], body: object) -> httpx.Response:
        wanted = asked(name, route.method, route.address(names), body)
        return await wanted.send(http, f"Bearer {wanted.signed(key, who)}")

    for route in ROUTES[name]:
        if route.who == "anybody":
            continue
        body = body_of(route.name, world.owner)
        answer = await ask(route, world.owner.names(), body)
        if route.who == "for-many":
            fine = refusal(answer) == (401, "unauthenticated")
        elif role in MAY[route.who]:
            fine = answer.status_code < 300 or answer.status_code == 409
        elif role == "stranger" and answer.status_code == 404:
            nobodys = {**body, "customer_id": NOTHING["customer_id"]} if route.name == "POST /orders" else body
            absent = await ask(route, NOTHING, nobodys)
            fine = answer.text == absent.text.replace(NOTHING["number"], world.owner.order)
        else:
            fine = refusal(answer) == (403, "forbidden")
        if not fine:
            wrong.append(f"{role}: {name} {route.name} {answer.status_code} {answer.text[:200]}")
    assert wrong == []


async def test_a_customer_is_shown_their_own_orders_whatever_they_ask_for(world: World) -> None:
    key, me = world.purser.installation.key, caller("stranger", world)
    async with httpx.AsyncClient(base_url=world.service("orders"), timeout=30) as http:
        for query in ("", f"customer_id={world.owner.person.id}", f"q={world.owner.order[-6:]}", "status=cancelled"):
            wanted = asked("orders", "GET", "/orders", query=query)
            page = (await wanted.send(http, f"Bearer {wanted.signed(key, me)}")).json()
            assert {row["customer_id"] for row in page["items"]} <= {world.stranger.person.id}, query


@pytest.mark.parametrize("kind", [ORDERS, INVOICES, TICKET_COUNTS], ids=lambda kind: kind.path)
async def test_who_looks_among_many_is_shown_what_they_would_be_shown_alone(world: World, kind: Kind) -> None:
    key, households = world.purser.installation.key, [world.owner, world.owner, world.stranger]
    name = "customer_id" if kind is TICKET_COUNTS else "order_number"
    looks = [
        (each, caller(role, world))
        for each in [*(household.names()[name] for household in households), NOTHING[name]]
        for role in ("operator", "financier", "admin", "owner", "stranger")
    ]
    many = asked(kind.service, "POST", kind.path, [one_who_looks(thing, who) for thing, who in looks])
    word = many.signed(key, caller("admin", world), service=auth.for_many(kind.service))
    async with httpx.AsyncClient(base_url=world.service(kind.service), timeout=30) as http:
        answer = await many.send(http, f"Bearer {word}")
        assert answer.status_code == 200, answer.text
        statuses = set()
        for (thing, who), each in zip(looks, answer.json(), strict=True):
            wanted = asked(kind.service, "GET", kind.path_of_one(thing))
            alone = await wanted.send(http, f"Bearer {wanted.signed(key, who)}")
            assert (each["status"], each["body"]) == (alone.status_code, alone.text), (thing, who)
            statuses.add(alone.status_code)
    assert statuses == {200, 404}
