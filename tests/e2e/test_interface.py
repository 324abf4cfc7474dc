"""Every route of the interface, used once as it is meant to be: what it answers is what OpenAPI promises.

(Each answer of every other test in this folder is held against the document as well: see `tests/promise.py`.)
"""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared.db import Database
from tests.people import Person
from tests.system import PASSWORD, System


async def test_what_staff_can_do_is_answered_as_promised(purser: System) -> None:
    customer = await purser.new_customer(10_000)
    number = await purser.new_order(customer, 300, 200)
    ticket = await customer.post("/tickets", {"subject": "Hi", "text": "Hello", "order_number": number})
    ticket_id = ticket["ticket"]["id"]
    admin, whose = purser.admin, f"/customers/{customer.id}"
    for path in (
        "/orders?limit=2",
        f"/orders?q={number[-2:]}&status=awaiting_payment&customer_id={customer.id}",
        f"/orders/{number}",
        f"/orders/{number}/acts",
        "/customers?limit=2",
        whose,
        f"{whose}/balance",
        f"{whose}/transfers?from=2020-01-01&to=2999-01-01&limit=1",
        f"{whose}/acts",
        f"{whose}/withdrawal-limit",
        "/holds?state=waiting&limit=1",
        "/hold-counts",
        f"{whose}/tickets",
        f"{whose}/ticket-counts",
        "/tickets?new=true&limit=1",
        f"/tickets/{ticket_id}",
        "/ticket-counts",
        "/staff",
    ):
        await admin.get(path)
    await admin.post(f"{whose}/withdrawals", {"amount_minor": 1, "currency": "USD", "note": "x"})
    large = {"amount_minor": 200_000, "currency": "USD"}
    await admin.post(f"{whose}/deposits", large)
    hold = (await admin.ask("POST", f"{whose}/withdrawals", large)).json()
    await admin.get(f"/holds/{hold['id']}")
    await admin.ask("POST", f"/holds/{hold['id']}/approval", {})
    await admin.post(f"/holds/{hold['id']}/refusal", {"note": "Not today"})
    await admin.post(f"{whose}/tickets", {"subject": "We", "text": "write", "order_number": number})
    await admin.post(f"/tickets/{ticket_id}/messages", {"text": "<b>bold</b> stays as it is"})
    await admin.post(f"/tickets/{ticket_id}/read", {})
    await admin.post(f"/tickets/{ticket_id}/close", {})
    answer = await admin.ask("PATCH", f"/orders/{number}/items/1", {"quantity": 2})
    assert answer.json()["total_minor"] == 800
    await admin.post(f"/orders/{number}/payments", {"amount_minor": 100})
    await admin.post(f"/orders/{number}/cancellation", {"reason": "over"})


async def test_what_a_customer_can_do_is_answered_as_promised(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    page = await customer.post(
        "/orders",
        {
            "currency": "USD",
            "delivery_minor": 10,
            "shipping_address": "There",
            "items": [{"sku": "A", "title": "B", "quantity": 1, "unit_price_minor": 5}],
        },
    )
    number = page["number"]
    assert page["customer"]["id"] == customer.id
    ticket = await customer.post("/tickets", {"subject": "Hi", "text": "Hello"})
    ticket_id = ticket["ticket"]["id"]
    for path in (
        "/orders",
        "/orders?group=awaiting_payment",
        f"/orders/{number}",
        "/balance",
        "/transfers",
        "/tickets",
        f"/tickets/{ticket_id}",
        "/ticket-counts",
    ):
        await customer.get(path)
    await customer.post(f"/tickets/{ticket_id}/messages", {"text": "More"})
    await customer.post(f"/tickets/{ticket_id}/read", {})
    await purser.billing_knows(number)
    await customer.post(f"/orders/{number}/payments", {})


@pytest.mark.parametrize("who", ["admin", "customer"])
async def test_unknown_things_are_not_found(purser: System, who: str) -> None:
    person: Person = purser.admin if who == "admin" else await purser.new_customer()
    paths = ["/orders/ORD-9999999999", f"/tickets/{uuid4()}"]
    if who == "admin":
        paths.append(f"/holds/{uuid4()}")
        paths += [f"/customers/{uuid4()}{part}" for part in ("", "/balance", "/transfers", "/tickets")]
    for path in paths:
        assert (await person.ask("GET", path)).status_code == 404
    for path, body in (
        ("/orders/ORD-9999999999/payments", {}),
        (f"/tickets/{uuid4()}/messages", {"text": "x"}),
    ):
        assert (await person.ask("POST", path, body)).status_code == 404


async def test_another_customers_order_and_ticket_look_like_none(purser: System) -> None:
    owner, stranger = await purser.new_customer(100), await purser.new_customer(100)
    number = await purser.new_order(owner, 50)
    ticket_id = (await owner.post("/tickets", {"subject": "Mine", "text": "Mine"}))["ticket"]["id"]
    requests: list[tuple[str, str, Any]] = [
        ("GET", f"/orders/{number}", None),
        ("POST", f"/orders/{number}/payments", {}),
        ("POST", f"/orders/{number}/items/1/acceptance", None),
        ("GET", f"/tickets/{ticket_id}", None),
        ("POST", f"/tickets/{ticket_id}/messages", {"text": "x"}),
        ("POST", f"/tickets/{ticket_id}/read", {}),
        ("POST", "/tickets", {"subject": "Theirs", "text": "x", "order_number": number}),
    ]
    for method, path, body in requests:
        answer = await stranger.ask(method, path, body)
        assert answer.status_code == 404, (path, answer.text)
    assert (await purser.settled(number))["transfers"] == []


async def test_money_is_moved_by_those_who_may(purser: System) -> None:
    customer = await purser.new_customer(100)
    number = await purser.new_order(customer, 50)
    operator, body = purser.people["operator"], {"amount_minor": 1, "currency": "USD"}
    for path, what in (
        (f"/customers/{customer.id}/deposits", body),
        (f"/customers/{customer.id}/withdrawals", body),
        (f"/orders/{number}/payments", {}),
        ("/staff", {"login": f"s-{uuid4().hex[:8]}", "role": "admin"}),
    ):
        answer = await operator.ask("POST", path, what)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "pay" not in (await operator.get(f"/orders/{number}"))["actions"]
    assert "pay" in (await purser.people["financier"].get(f"/orders/{number}"))["actions"]


async def test_a_failing_commit_is_never_answered_as_done(purser: System) -> None:
    """The database refuses at the very end: the answer is a 500 that says nothing of it, and nothing has moved."""
    customer = await purser.new_customer(100)
    owner = Database(purser.installation.database_url("billing", owner=True))
    async with owner.transaction() as session:
        for statement in (
            "CREATE FUNCTION refuse_13() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'a secret of the database'; END $$",
            "CREATE CONSTRAINT TRIGGER refuse_13 AFTER INSERT ON transfers DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW WHEN (NEW.amount_minor = 13) EXECUTE FUNCTION refuse_13()",
        ):
            await session.execute(text(statement))
    try:
        path, key = f"/customers/{customer.id}/deposits", str(uuid4())
        answer = await purser.admin.ask("POST", path, {"amount_minor": 13, "currency": "USD"}, key)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "secret" not in answer.text
    finally:
        async with owner.transaction() as session:
            await session.execute(text("DROP FUNCTION refuse_13 CASCADE"))
    await owner.close()
    assert (await customer.get("/balance"))["balance_minor"] == 100
    again = await purser.admin.ask("POST", path, {"amount_minor": 13, "currency": "USD"}, key)
    assert (again.status_code, again.json()["balance_minor"]) == (201, 113)


async def test_an_order_placed_again_is_answered_with_the_first_page(purser: System) -> None:
    customer, key = await purser.new_customer(1_000), str(uuid4())
    item = {"sku": "A", "title": "B", "quantity": 1, "unit_price_minor": 5}
    wanted = {"currency": "USD", "shipping_address": "There", "items": [item]}
    first = await customer.post("/orders", wanted, key)
    await purser.billing_knows(first["number"])
    await customer.post(f"/orders/{first['number']}/payments", {})
    assert await customer.post("/orders", wanted, key) == first


async def test_a_login_is_one_persons_however_they_write_it(purser: System) -> None:
    login = f"Mixed-{uuid4().hex[:8]}"
    profile = {"login": login, "name": "M", "email": "m@example.org", "password": "a long password"}
    made = await purser.admin.post("/customers", profile)
    assert made["login"] == login.lower()
    again = await purser.admin.ask("POST", "/customers", {**profile, "login": login.upper()})
    assert (again.status_code, again.json()["code"]) == (409, "login_taken")
    assert (await purser.sign_in(login.upper(), "a long password")).id == made["id"]


@pytest.mark.parametrize("origin", ["http://[", "null", "", "http://[::1", "http://evil.example"])
async def test_a_page_of_another_or_no_known_origin_cannot_sign_anybody_in(purser: System, origin: str) -> None:
    wanted = {"login": "admin", "password": PASSWORD}
    answer = await purser.admin.http.post("/api/session", json=wanted, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


async def test_an_address_with_a_slash_too_many_is_not_found_and_leads_nowhere(purser: System) -> None:
    form = {"username": "admin", "password": PASSWORD}
    answer = await purser.admin.http.post("/api/token/", data=form, headers={"Host": "evil.example"})
    assert (answer.status_code, "location" in answer.headers) == (404, False)


async def test_a_refusal_names_at_most_so_many_errors(purser: System) -> None:
    wanted = {"currency": "USD", "shipping_address": "There", "items": [{}] * 900, "x" * 5_000: 1}
    answer = await purser.admin.ask("POST", "/orders", wanted)
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)
    assert len(answer.content) < 10_000
