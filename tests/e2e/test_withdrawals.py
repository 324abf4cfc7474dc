"""A large withdrawal through the whole of Purser: asked for by one of the staff, approved by another, seen by all."""

from uuid import uuid4

from tests.people import Person
from tests.system import System


async def _ask(staff: Person, customer: Person, amount_minor: int) -> str:
    """Ask for a withdrawal that must wait; gives its id."""
    body = {"amount_minor": amount_minor, "currency": "USD"}
    answer = await staff.ask("POST", f"/customers/{customer.id}/withdrawals", body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["actions"] == ["refuse"]
    return str(answer.json()["id"])


async def test_two_people_withdraw_and_everybody_sees_it_at_once(purser: System) -> None:
    customer = await purser.new_customer(500_000)
    async with purser.people["operator"].live() as staff, customer.live() as own:
        await staff.shows("snapshot")
        await own.shows("snapshot")
        hold_id = await _ask(purser.people["financier"], customer, 200_000)
        for stream in (staff, own):
            await stream.shows("balance_changed", customer_id=customer.id, held_minor=200_000, available_minor=300_000)
        await staff.shows("hold_changed", hold_id=hold_id, state="waiting", version=1)
        await purser.admin.post(f"/holds/{hold_id}/approval", {"note": "Seen"})
        await staff.shows("hold_changed", hold_id=hold_id, state="approved", version=2)
        for stream in (staff, own):
            await stream.shows("balance_changed", customer_id=customer.id, held_minor=0, balance_minor=300_000)
        assert not [event for event, _ in own.seen if event == "hold_changed"]
    [hold] = (await purser.admin.get(f"/holds?customer_id={customer.id}"))["items"]
    assert (hold["asked_by"], hold["decided_by"]) == ("financier", "admin")
    assert hold["customer_name"].endswith(customer.login)
    acts = await purser.admin.get(f"/customers/{customer.id}/acts")
    assert [(act["login"], act["act"]) for act in acts[:2]] == [
        ("admin", "approve_withdrawal"), ("financier", "ask_withdrawal"),
    ]  # fmt: skip


async def test_another_session_and_another_role_make_nobody_another_person(purser: System) -> None:
    login, password = f"s-{uuid4().hex[:12]}", "correct horse battery"
    await purser.admin.post("/staff", {"login": login, "role": "financier", "password": password})
    first = await purser.sign_in(login, password)
    customer = await purser.new_customer(500_000)
    hold_id = await _ask(first, customer, 200_000)
    second = await purser.sign_in(login.upper(), password)
    await purser.admin.ask("PATCH", f"/staff/{login}", {"role": "admin"})
    third = await purser.sign_in(login, password)
    for person in (first, second, third):
        answer = await person.ask("POST", f"/holds/{hold_id}/approval", {})
        assert (answer.status_code, answer.json()["code"]) == (403, "own_request")
    assert (await third.post(f"/holds/{hold_id}/refusal", {}))["state"] == "refused"
    assert (await purser.admin.get(f"/customers/{customer.id}/balance"))["available_minor"] == 500_000
