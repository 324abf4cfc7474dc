"""Whatever staff do is written down in the transaction that does it: without its act, no change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2 as httpx
from sqlalchemy import text

from shared.auth import Caller, Role
from shared.db import Database
from tests.access.conftest import Household, Service, World
from tests.access.signing import Asked, asked
from tests.access.table import Route
from tests.access.test_database_rights import PLUMBING
from tests.access.test_service_matrix import ROUTES, body_of
from tests.client import refusal
from tests.installation import Installation
from tests.people import Person
from tests.system import PASSWORD

# Which act each write of staff leaves. A message says itself who wrote it, and that somebody has read one is no act.
ACTS: dict[str, dict[str, str | None]] = {
    "orders": {
        "POST /customers": "register_customer",
        "POST /orders": "place_order",
        "PATCH /orders/{number}/items/{line}": "amend_item",
        "POST /orders/{number}/items/{line}/acceptance": "accept_price",
        "POST /orders/{number}/telling": "tell_order_again",
        "POST /orders/{number}/cancellation": "cancel_order",
    },
    "billing": {
        "POST /customers/{customer_id}/deposits": "deposit",
        "POST /customers/{customer_id}/withdrawals": "withdrawal",
        "POST /holds/{hold_id}/approval": "approve_withdrawal",
        "POST /holds/{hold_id}/refusal": "refuse_withdrawal",
        "POST /orders/{order_number}/payments": "payment",
        "POST /orders/{order_number}/telling": "tell_invoice_again",
    },
    "support": {
        "POST /customers/{customer_id}/tickets": None,
        "POST /tickets/{ticket_id}/messages": None,
        "POST /tickets/{ticket_id}/read": None,
        "POST /tickets/{ticket_id}/close": "close_ticket",
        "POST /customers/{customer_id}/recount": "recount_tickets",
    },
}
# Nor is what the clock does with whatever was committed before.
NOT_COMPARED = {line.split()[0] for line in PLUMBING.split("\n") if line} | {"seals", "sealed_accounts"}


@asynccontextmanager
async def without_acts_of(installation: Installation, service: str, login: str) -> AsyncIterator[None]:
    """No act of this person can be written down."""
    owner = Database(installation.database_url(service, owner=True))
    try:
        async with owner.transaction() as session:
            for statement in (
                "CREATE FUNCTION refuse_act() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'no act'; END $$",
                f"CREATE TRIGGER refuse_act BEFORE INSERT ON acts FOR EACH ROW WHEN (NEW.login = '{login}')"
                " EXECUTE FUNCTION refuse_act()",
            ):
                await session.execute(text(statement))
        yield
    finally:
        async with owner.transaction() as session:
            await session.execute(text("DROP FUNCTION IF EXISTS refuse_act CASCADE"))
        await owner.close()


async def content(world: World, service: str) -> dict[str, Any]:
    """A fingerprint of each of the service's own tables."""
    tables = await world.purser.rows(
        service, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = {}
    for table in {row["relname"] for row in tables} - NOT_COMPARED:
        if not table.startswith("outbox_archive"):
            look = f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) AS it FROM {table} t"
            found[table] = (await world.purser.rows(service, look))[0]["it"]
    return found


async def acts_of(world: World, service: str, login: str) -> list[Any]:
    return await world.purser.rows(service, "SELECT * FROM acts WHERE login = :login ORDER BY id", login=login)


def writes(service: str) -> list[Route]:
    """What is done for many is done by the same statements."""
    return [route for route in ROUTES[service] if route.method != "GET" and route.who not in ("anybody", "for-many")]


async def fresh(world: World, staffer: Person, household: Household) -> Household:
    """Another withdrawal that waits, and an order to pay for."""
    money = {"amount_minor": 150_000, "currency": "USD"}
    await staffer.post(f"/customers/{household.person.id}/deposits", money)
    hold = (await staffer.ask("POST", f"/customers/{household.person.id}/withdrawals", money)).json()
    order = await world.purser.new_order(household.person, 500)
    return Household(household.person, order, household.paid_order, household.ticket, str(hold["id"]))


async def send(http: httpx.AsyncClient, world: World, wanted: Asked, caller: Caller) -> httpx.Response:
    return await wanted.send(http, f"Bearer {wanted.signed(world.purser.installation.key, caller)}")


def test_every_write_of_staff_is_in_the_table() -> None:
    for service, acts in ACTS.items():
        assert {route.name for route in writes(service)} == set(acts)


async def test_without_its_act_nothing_is_done_and_with_it_once(
    world: World, service: Service, staffer: Person
) -> None:
    name, http = service
    await world.owner.person.post("/tickets", {"subject": "S", "text": "T"})
    for route in writes(name):
        act = ACTS[name][route.name]
        if act is None:
            continue
        login = f"boss-{uuid4().hex[:8]}"
        boss = Caller(login, Role.ADMIN)
        household = await fresh(world, staffer, world.owner)
        if act == "accept_price":
            await staffer.ask("PATCH", f"/orders/{household.order}/items/1", {"unit_price_minor": 600})
        if act == "tell_invoice_again":
            household.order = household.paid_order
        address = route.address(household.names())
        wanted = asked(name, route.method, address, body_of(route.name, household))
        before = await content(world, name)
        async with without_acts_of(world.purser.installation, name, login):
            assert refusal(await send(http, world, wanted, boss)) == (500, "internal_error"), route.name
        assert await content(world, name) == before, route.name
        answer = await send(http, world, wanted, boss)
        assert answer.status_code in (200, 201), f"{route.name} {answer.text}"
        [left] = await acts_of(world, name, login)
        assert (left["act"], left["role"], left["correlation_id"]) == (
            act, "admin", answer.headers["x-correlation-id"],
        )  # fmt: skip
        assert await content(world, name) != before, route.name
        assert (await send(http, world, wanted, boss)).status_code in (200, 201, 409)
        again = [each for each in await acts_of(world, name, login) if each["act"] == act]
        assert len(again) == (2 if act.startswith("tell_") or act == "recount_tickets" else 1), route.name


async def test_staff_logins_are_not_changed_without_an_act(world: World) -> None:
    purser = world.purser
    login, made = f"boss-{uuid4().hex[:8]}", f"made-{uuid4().hex[:8]}"
    await purser.admin.post("/staff", {"login": login, "role": "admin", "password": PASSWORD})
    boss = await purser.sign_in(login)
    wanted = {"login": made, "role": "operator", "password": PASSWORD}
    async with without_acts_of(purser.installation, "gateway", login):
        assert refusal(await boss.ask("POST", "/staff", wanted)) == (500, "internal_error")
        assert refusal(await boss.ask("PATCH", "/staff/operator", {"role": "admin"})) == (500, "internal_error")
    staff = {row["login"]: row["role"] for row in await purser.rows("gateway", "SELECT login, role FROM accounts")}
    assert made not in staff
    assert staff["operator"] == "operator"
    await boss.post("/staff", wanted)
    await boss.ask("PATCH", f"/staff/{made}", {"role": "financier", "disabled": True})
    changed, begun = await boss.get(f"/staff/{made}/acts")
    assert (begun["act"], begun["details"]) == ("make_staff", {"given_role": "operator"})
    assert changed["details"] == {
        "given_role": "financier", "given_role_before": "operator",
        "disabled": "true", "disabled_before": "false", "password": None,
    }  # fmt: skip


async def test_an_act_tells_what_was_before_and_by_which_request(world: World) -> None:
    admin, household = world.purser.admin, world.stranger
    customer = household.person.id
    answer = await admin.ask("POST", f"/customers/{customer}/deposits", {"amount_minor": 50, "currency": "USD"})
    act = (await admin.get(f"/customers/{customer}/acts"))[0]
    assert act["correlation_id"] == answer.headers["x-correlation-id"]
    assert act["details"]["balance_minor"] - act["details"]["balance_minor_before"] == 50
    assert act["details"]["balance_minor"] == answer.json()["balance_minor"]
    await admin.ask("PATCH", f"/orders/{household.order}/items/2", {"quantity": 3})
    act = (await admin.get(f"/orders/{household.order}/acts"))[0]
    assert act["details"] == {"line": 2, "quantity": 3, "quantity_before": 1}


async def test_all_that_was_done_with_a_customer_is_in_one_list(world: World) -> None:
    """What orders, billing and support have written down; newest first, and none of it where one of them is away."""
    admin = world.purser.admin
    made = await admin.post("/customers", {"login": f"n-{uuid4().hex[:8]}", "name": "N", "email": "n@example.org"})
    path = f"/customers/{made['id']}"
    await admin.post(f"{path}/deposits", {"amount_minor": 50, "currency": "USD"})
    begun = await admin.post(f"{path}/tickets", {"subject": "S", "text": "T"})
    await admin.ask("POST", f"/tickets/{begun['ticket']['id']}/close")
    acts = [act["act"] for act in await admin.get(f"{path}/acts")]
    assert acts == ["close_ticket", "deposit", "register_customer"]
    with world.purser.links["support"].cut():
        assert refusal(await admin.ask("GET", f"{path}/acts")) == (503, "unavailable")


async def test_all_that_was_done_with_an_order_is_in_one_list(world: World) -> None:
    """What was paid for it from its customer's balance, too; not what was done with the customer otherwise."""
    purser = world.purser
    customer = await purser.new_customer(2_000)
    first, second = [await purser.new_order(customer, 600) for _ in range(2)]
    for number in (first, second):
        await purser.admin.post(f"/orders/{number}/payments", {"amount_minor": 200})
    assert (await purser.admin.ask("POST", f"/orders/{first}/payments", {"amount_minor": 500})).status_code == 409
    await purser.admin.ask("PATCH", f"/orders/{first}/items/1", {"quantity": 2})
    acts = await purser.admin.get(f"/orders/{first}/acts")
    assert [act["act"] for act in acts[:3]] == ["amend_item", "refused", "payment"]
    assert acts[2]["details"] | {"amount_minor": 200, "order_number": first} == acts[2]["details"]
    assert [act for act in acts if act["details"].get("order_number") == second] == []
    assert (await purser.admin.get(f"/orders/{second}/acts"))[0]["act"] == "payment"


async def test_what_staff_tried_with_money_and_were_refused_is_written_down(world: World, staffer: Person) -> None:
    purser, household = world.purser, await fresh(world, staffer, world.owner)
    customer, much = household.person.id, {"amount_minor": 10**12, "currency": "USD", "staff_note": "Please"}
    operator, admin = purser.people["operator"], purser.admin
    tries = {
        ("operator", "deposit", "forbidden"): (operator, f"/customers/{customer}/deposits", much),
        ("operator", "pay", "forbidden"): (operator, f"/orders/{household.order}/payments", {}),
        ("operator", "approve", "forbidden"): (operator, f"/holds/{household.hold}/approval", {}),
        ("admin", "withdraw", "insufficient_funds"): (admin, f"/customers/{customer}/withdrawals", much),
        ("admin", "pay", "nothing_to_pay"): (admin, f"/orders/{household.paid_order}/payments", {}),
        (staffer.login, "approve", "own_request"): (staffer, f"/holds/{household.hold}/approval", {}),
    }
    asked_by = []
    for person, path, body in tries.values():
        answer = await person.ask("POST", path, body)
        assert answer.status_code in (403, 409), answer.text
        asked_by.append(answer.headers["x-correlation-id"])
    acts = (await admin.get(f"/customers/{customer}/acts"))[: len(tries)]
    told = [(act["login"], act["details"]["tried"], act["details"]["code"]) for act in acts]
    assert told == list(tries)[::-1]
    assert [act["correlation_id"] for act in acts] == asked_by[::-1]
    assert {act["act"] for act in acts} == {"refused"}
    assert (acts[-1]["note"], acts[-1]["details"]["amount_minor"]) == ("Please", 10**12)


async def test_a_customers_own_refusals_are_nobodys_act(world: World) -> None:
    person = world.stranger.person
    before = await world.purser.admin.get(f"/customers/{person.id}/acts")
    answer = await person.ask("POST", f"/orders/{world.stranger.paid_order}/payments", {})
    assert refusal(answer) == (409, "nothing_to_pay")
    assert await world.purser.admin.get(f"/customers/{person.id}/acts") == before
