"""Withdrawals that wait, over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from shared.auth import Caller, Role
from tests.billing.conftest import OPERATOR, Customer
from tests.billing.holds import BOSS
from tests.client import Client, refusal

LIMIT = 100_000


async def _ask(client: Client, customer: Customer, amount_minor: int, key: str = "") -> httpx.Response:
    body = {"amount_minor": amount_minor, "currency": "USD", "note": "To the bank"}
    return await client.ask("POST", f"/customers/{customer.id}/withdrawals", body, key=key)


async def _holds(client: Client, query: str) -> list[Any]:
    """All of a list, two at a time."""
    found, cursor = [], ""
    while True:
        part = (await client.ask("GET", f"/holds?limit=2&{query}{cursor}")).json()
        found += part["items"]
        if part["next"] is None:
            return found
        cursor = f"&cursor={part['next']}"


async def test_it_says_whether_it_was_done_or_waits(client: Client, customer: Customer) -> None:
    await customer.deposit(5 * LIMIT)
    done, waits = await _ask(client, customer, LIMIT), await _ask(client, customer, 2 * LIMIT)
    assert (done.status_code, done.json()["balance_minor"]) == (201, 4 * LIMIT)
    assert (waits.status_code, waits.json()["state"], waits.json()["actions"]) == (202, "waiting", ["refuse"])
    balance = (await client.ask("GET", f"/customers/{customer.id}/balance")).json()
    assert (balance["balance_minor"], balance["held_minor"], balance["available_minor"]) == (
        4 * LIMIT, 2 * LIMIT, 2 * LIMIT,
    )  # fmt: skip


async def test_a_repeated_request_waits_once_and_is_answered_the_same(client: Client, customer: Customer) -> None:
    await customer.deposit(5 * LIMIT)
    key = str(uuid4())
    answers = await asyncio.gather(*(_ask(client, customer, 2 * LIMIT, key) for _ in range(8)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    [hold] = await _holds(client, f"customer_id={customer.id}")
    path = f"/holds/{hold['id']}/approval"
    approvals = await asyncio.gather(*(client.ask("POST", path, {}, caller=BOSS, key=key) for _ in range(8)))
    assert {(answer.status_code, answer.text) for answer in approvals} == {(200, approvals[0].text)}
    assert approvals[0].json()["state"] == "approved"
    assert (await _ask(client, customer, 2 * LIMIT, key)).text == answers[0].text


async def test_refusals_say_why(client: Client, customer: Customer) -> None:
    await customer.deposit(5 * LIMIT)
    path = f"/holds/{(await _ask(client, customer, 2 * LIMIT)).json()['id']}"
    assert refusal(await client.ask("POST", f"{path}/approval", {})) == (403, "own_request")
    for decision in ("approval", "refusal"):
        assert refusal(await client.ask("POST", f"{path}/{decision}", {}, caller=OPERATOR)) == (403, "forbidden")
        bad: list[object] = [{"note": "x" * 501}, {"note": "\x00"}, {"amount_minor": 1}, []]
        for body in bad:
            answer = await client.ask("POST", f"{path}/{decision}", body, caller=BOSS)
            assert refusal(answer) == (422, "invalid_request")
        unknown = await client.ask("POST", f"/holds/{uuid4()}/{decision}", {}, caller=BOSS)
        assert refusal(unknown) == (404, "unknown_hold")
    assert (await client.ask("POST", f"{path}/refusal", {"note": "Mistyped"})).status_code == 200
    late = await client.ask("POST", f"{path}/approval", {}, caller=BOSS)
    assert refusal(late) == (409, "already_decided")
    assert late.json()["decided_by"] == "fin"


async def test_all_staff_see_what_waits_and_customers_see_none_of_it(client: Client, customer: Customer) -> None:
    await customer.deposit(5 * LIMIT)
    hold = (await _ask(client, customer, 2 * LIMIT)).json()
    whose = f"/customers/{customer.id}/withdrawal-limit"
    for path in (f"/holds/{hold['id']}", f"/holds?customer_id={customer.id}", "/hold-counts", whose):
        assert (await client.ask("GET", path, caller=OPERATOR)).status_code == 200
        assert refusal(await client.ask("GET", path, caller=customer.caller)) == (403, "forbidden")
    may = {
        caller.login: (await client.ask("GET", f"/holds/{hold['id']}", caller=caller)).json()["actions"]
        for caller in (OPERATOR, Caller("fin", Role.ADMIN), BOSS)
    }
    assert may == {"oper": [], "fin": ["refuse"], "boss": ["approve", "refuse"]}


async def test_what_waits_is_listed_newest_first_each_once(client: Client, customer: Customer) -> None:
    await customer.deposit(50 * LIMIT)
    made = [(await _ask(client, customer, 2 * LIMIT)).json()["id"] for _ in range(5)]
    await client.ask("POST", f"/holds/{made[1]}/refusal", {})
    await client.ask("POST", f"/holds/{made[3]}/approval", {}, caller=BOSS)
    mine = f"customer_id={customer.id}"
    assert [hold["id"] for hold in await _holds(client, mine)] == made[::-1]
    for state, wanted in (("waiting", [4, 2, 0]), ("refused", [1]), ("approved", [3]), ("expired", [])):
        assert [hold["id"] for hold in await _holds(client, f"{mine}&state={state}")] == [made[n] for n in wanted]
    everybodys = await _holds(client, "state=waiting")
    assert [hold["id"] for hold in everybodys[:3]] == [made[n] for n in (4, 2, 0)]
    assert (await client.ask("GET", "/hold-counts")).json() == {"waiting": len(everybodys)}


@pytest.mark.parametrize("query", ["cursor=x", "cursor=WyJhIiwxXQ", "cursor=WyJhIiwiYiJd", "state=lost", "limit=101"])
async def test_a_made_up_part_of_the_list_is_refused(client: Client, query: str) -> None:
    assert (await client.ask("GET", f"/holds?{query}")).status_code == 422


async def test_how_much_may_still_be_withdrawn_at_once_is_told(client: Client, customer: Customer) -> None:
    path = f"/customers/{customer.id}/withdrawal-limit"
    assert (await client.ask("GET", path)).json() == {
        "customer_id": str(customer.id), "currency": "USD", "limit_minor": LIMIT, "at_once_minor": LIMIT,
    }  # fmt: skip
    await customer.deposit(5 * LIMIT)
    await _ask(client, customer, 30_000)
    await _ask(client, customer, 2 * LIMIT)
    assert (await client.ask("GET", path)).json()["at_once_minor"] == 70_000
    assert (await _ask(client, customer, 70_001)).status_code == 202
    assert (await _ask(client, customer, 70_000)).status_code == 201
    assert (await client.ask("GET", path)).json()["at_once_minor"] == 0
