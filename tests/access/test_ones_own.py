"""Whatever a customer asks their own door for, they are shown what is theirs, and of that what is for customers."""

import json
from typing import Any
from uuid import uuid4

from gateway.reconciliation import findings
from gateway.reconciliation.differences import Found, Kind
from tests.access.conftest import ACT_NOTE, STAFF_LOGIN, STAFF_NOTE, World, request
from tests.access.test_gateway_matrix import ROUTES
from tests.people import Person

FINDING = "canary_of_a_finding_minor"
FOR_STAFF_ONLY = (STAFF_NOTE, ACT_NOTE, STAFF_LOGIN, "shop_new", "shop_counts", FINDING)
LISTS = ("/orders", "/transfers", "/tickets")


async def pages(person: Person, path: str, cursor: str | None = None) -> list[Any]:
    """Everything in a list, from a place on, whatever it is asked for in how many parts."""
    found: list[Any] = []
    while True:
        part = await person.get(f"{path}?limit=1" + (f"&cursor={cursor}" if cursor else ""))
        found += part["items"]
        if (cursor := part["next"]) is None:
            return found


async def test_another_customers_place_in_a_list_leads_to_ones_own(world: World) -> None:
    for customer in (world.owner.person, world.stranger.person):
        await customer.post("/tickets", {"subject": "Another", "text": "One more"})
    for path in LISTS:
        theirs = await world.owner.person.get(f"{path}?limit=1")
        assert theirs["next"] is not None, path
        mine = {item.get("number", item.get("id")) for item in await pages(world.stranger.person, path)}
        shown = await pages(world.stranger.person, path, theirs["next"])
        assert {item.get("number", item.get("id")) for item in shown} <= mine, path


async def test_another_customers_place_in_a_conversation_leads_to_ones_own(world: World) -> None:
    ids = [str((await world.stranger.person.post("/tickets", {"subject": "S", "text": "Mine"}))["ticket"]["id"])]
    cursor = "WzJd"  # [2]: before the second message
    shown = await world.stranger.person.get(f"/tickets/{ids[0]}?earlier={cursor}")
    assert [message["text"] for message in shown["messages"]] == ["Mine"]
    refused = await world.stranger.person.ask("GET", f"/tickets/{world.owner.ticket}?earlier={cursor}")
    assert refused.status_code == 404


async def test_no_search_or_filter_finds_what_is_another_customers(world: World) -> None:
    me, them = world.stranger.person, world.owner.person
    profile = await them.get("/profile")
    words = [world.owner.order, world.owner.order[-3:], profile["email"], profile["name"], them.login, "%", "_"]
    for word in words:
        answer = await me.http.get("/api/portal/orders", params={"q": word, "limit": 100})
        assert {order["customer_id"] for order in answer.json()["items"]} <= {me.id}, word
    for group in ("awaiting_payment", "active", "completed", "cancelled"):
        assert {order["customer_id"] for order in (await me.get(f"/orders?group={group}"))["items"]} <= {me.id}
    for query in (f"customer_id={them.id}", f"id={them.id}", "new=true", "made_by=x"):
        for path in (*LISTS, "/balance", "/profile"):
            answer = await me.ask("GET", f"{path}?{query}")
            assert answer.status_code == 422 or them.id not in answer.text, f"{path}?{query}"


async def test_another_customers_idempotency_key_gives_no_answer_of_theirs(world: World) -> None:
    me, them, key = world.stranger.person, world.owner.person, str(uuid4())
    talk = {"subject": "Private", "text": "Of the owner's"}
    theirs = await them.post("/tickets", talk, key)
    mine = await me.post("/tickets", talk, key)
    assert mine["ticket"]["id"] != theirs["ticket"]["id"]
    assert mine["ticket"]["customer_id"] == me.id
    item = {"sku": "A", "title": "B", "quantity": 1, "unit_price_minor": 5}
    order = {"currency": "USD", "shipping_address": "There", "items": [item]}
    assert (await them.post("/orders", order, key))["number"] != (await me.post("/orders", order, key))["number"]


async def test_a_stream_begun_at_another_customers_place_tells_only_ones_own(world: World) -> None:
    me, them = world.stranger.person, world.owner.person
    async with them.live() as theirs:
        await theirs.shows("snapshot")
        place = theirs.last_id
        await them.post(f"/tickets/{world.owner.ticket}/messages", {"text": "To be missed"})
        await theirs.shows_message(world.owner.ticket, text="To be missed")
        async with me.live(place) as mine:
            await me.post(f"/tickets/{world.stranger.ticket}/messages", {"text": "My own"})
            await mine.shows_message(world.stranger.ticket, text="My own")
            assert {data["customer_id"] for _, data in mine.seen} == {me.id}
        assert them.id in json.dumps(theirs.seen)
        assert me.id not in json.dumps(theirs.seen)


async def find(world: World, subject: str) -> None:
    """As the reconciliation would, had it found that something does not add up."""
    found = Found(Kind.PAID_DIFFERS, subject, {FINDING: 1})
    async with world.purser.databases["gateway"].transaction() as session:
        await findings.keep(session, [found])


async def test_customers_never_see_what_is_for_staff(world: World) -> None:
    """Every answer of the portal, and what is pushed there; staff see the same words where they belong."""
    me, names = world.owner.person, world.owner.names()
    answers = []
    for number in (world.owner.order, world.owner.paid_order):
        await find(world, number)
        for route in ROUTES:
            if route.who == "customer" and route.method == "GET" and not route.path.endswith("/live"):
                address = route.address({**names, "number": number})
                answers.append((await request(me.http, "GET", f"{address}")).text)
    async with me.live() as portal:
        await portal.shows("snapshot")
        money = {"amount_minor": 1, "currency": "USD", "staff_note": STAFF_NOTE}
        staffer = await world.purser.sign_in(STAFF_LOGIN)
        await staffer.post(f"/customers/{me.id}/deposits", money)
        await portal.shows("balance_changed")
        await staffer.post(f"/tickets/{world.owner.ticket}/messages", {"text": "Another answer"})
        await portal.shows_message(world.owner.ticket, text="Another answer", author_login=None)
        answers.append(json.dumps(portal.seen))
    for word in FOR_STAFF_ONLY:
        assert not [answer for answer in answers if word in answer], word
    assert STAFF_NOTE in (await staffer.ask("GET", f"/customers/{me.id}/transfers")).text
    assert STAFF_LOGIN in (await staffer.ask("GET", f"/tickets/{world.owner.ticket}")).text
    assert FINDING in (await staffer.ask("GET", f"/orders/{world.owner.order}")).text
    cancelled = (await me.get("/orders?group=cancelled"))["items"][0]["number"]
    assert ACT_NOTE in (await staffer.ask("GET", f"/orders/{cancelled}/acts")).text
