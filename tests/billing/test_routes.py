"""Billing over HTTP: bad input is refused with a problem and changes nothing; what is right is done once."""

import asyncio
from uuid import uuid4

import pytest

from shared import auth
from tests.billing.conftest import FINANCIER, OPERATOR, Customer
from tests.client import Client, refusal
from tests.installation import Installation


@pytest.mark.parametrize(
    "amount", [0, -1, 1.5, 1.0, "100", True, None, 10**12 + 1, 2**63, 10**400, [1], float("inf"), float("nan")]
)
async def test_a_wrong_amount_is_refused(client: Client, customer: Customer, amount: object) -> None:
    path = f"/customers/{customer.id}/deposits"
    answer = await client.ask("POST", path, {"amount_minor": amount, "currency": "USD"})
    assert refusal(answer) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"amount_minor": 1, "currency": "EUR"}, (422, "currency_mismatch")),
        ({"amount_minor": 1, "currency": "usd"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "bonus": 1}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "note": "a\x00b"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "note": "\ud800"}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "\ud800": 1}, (422, "invalid_request")),
        ({"amount_minor": 1, "currency": "USD", "note": "x" * 501}, (422, "invalid_request")),
        ([], (422, "invalid_request")),
        (b"{", (400, "malformed_json")),
        (b"", (422, "invalid_request")),
        (b"\xff\xfe", (400, "malformed_json")),
        (b'{"amount_minor": ' + b"9" * 5_000 + b', "currency": "USD"}', (400, "malformed_json")),
        (b"[" * 60_000, (400, "malformed_json")),
        (b'{"note": "' + b"x" * 65_000 + b'"}', (413, "body_too_large")),
    ],
)
async def test_a_wrong_body_is_refused(
    client: Client, customer: Customer, body: object, expected: tuple[int, str]
) -> None:
    assert refusal(await client.ask("POST", f"/customers/{customer.id}/deposits", body)) == expected
    balance = await client.ask("GET", f"/customers/{customer.id}/balance")
    assert balance.json()["balance_minor"] == 0


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, (400, "idempotency_key_missing")),
        ("k" * 256, (400, "idempotency_key_invalid")),
        ("ключ", (400, "idempotency_key_invalid")),
    ],
)
async def test_without_a_proper_key_nothing_is_done(
    client: Client, customer: Customer, key: str | None, expected: tuple[int, str]
) -> None:
    path, body = f"/customers/{customer.id}/deposits", b'{"amount_minor": 1, "currency": "USD"}'
    sent = (key or "").encode()
    signed = auth.sign(
        client.installation.key, FINANCIER, "billing", "POST", path, idempotency_key=sent.decode("latin-1"), body=body
    )
    headers = [(b"authorization", f"Bearer {signed}".encode()), (b"content-type", b"application/json")]
    if key is not None:
        headers.append((b"idempotency-key", sent))
    answer = await client.http.post(path, content=body, headers=headers)
    assert refusal(answer) == expected


async def test_a_repeated_request_gets_the_first_answer_and_one_effect(client: Client, customer: Customer) -> None:
    path, body = f"/customers/{customer.id}/deposits", {"amount_minor": 700, "currency": "USD"}
    key = str(uuid4())
    answers = await asyncio.gather(*(client.ask("POST", path, body, key=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["balance_minor"] == 700


async def test_a_key_used_for_another_request_is_refused(client: Client, customer: Customer) -> None:
    path, key = f"/customers/{customer.id}/deposits", str(uuid4())
    await client.ask("POST", path, {"amount_minor": 700, "currency": "USD"}, key=key)
    answer = await client.ask("POST", path, {"amount_minor": 701, "currency": "USD"}, key=key)
    assert refusal(answer) == (422, "idempotency_key_reused")


async def test_a_refused_request_frees_its_key(client: Client, customer: Customer) -> None:
    path, body, key = f"/customers/{customer.id}/withdrawals", {"amount_minor": 5, "currency": "USD"}, str(uuid4())
    assert refusal(await client.ask("POST", path, body, key=key)) == (409, "insufficient_funds")
    await customer.deposit(5)
    assert (await client.ask("POST", path, body, key=key)).status_code == 201


async def test_roles_are_enforced_here(client: Client, customer: Customer) -> None:
    path, body = f"/customers/{customer.id}/deposits", {"amount_minor": 5, "currency": "USD"}
    assert refusal(await client.ask("POST", path, body, caller=OPERATOR)) == (403, "forbidden")
    assert refusal(await client.ask("POST", path, body, caller=customer.caller)) == (403, "forbidden")
    stranger = Customer(customer.database).caller
    foreign = await client.ask("GET", f"/customers/{customer.id}/balance", caller=stranger)
    assert refusal(foreign) == (404, "unknown_customer")
    assert refusal(await client.ask("GET", f"/customers/{customer.id}/acts", caller=customer.caller)) == (
        403,
        "forbidden",
    )


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic YTpi"])
async def test_nobody_unsigned_is_answered(client: Client, customer: Customer, header: str) -> None:
    answer = await client.http.get(f"/customers/{customer.id}/balance", headers={"Authorization": header})
    assert refusal(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_gateways_word_holds_for_one_service_and_one_request(client: Client, customer: Customer) -> None:
    path, key = f"/customers/{customer.id}/balance", client.installation.key
    for word in (
        auth.sign(key, FINANCIER, "orders", "GET", path),
        auth.sign(key, FINANCIER, "billing", "POST", path),
        auth.sign(key, FINANCIER, "billing", "GET", "/customers"),
        auth.sign(Installation(client.installation.servers, "x").key, FINANCIER, "billing", "GET", path),
    ):
        answer = await client.http.get(path, headers={"Authorization": f"Bearer {word}"})
        assert refusal(answer) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "cursor", ["x", "e30", "WzFd", "WyJhIiwxXQ", "A" * 300, "WzEsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTld"]
)
async def test_a_made_up_cursor_is_refused(client: Client, customer: Customer, cursor: str) -> None:
    answer = await client.ask("GET", f"/customers/{customer.id}/transfers?cursor={cursor}")
    assert refusal(answer) == (422, "bad_cursor")


async def test_a_statement_adds_up_over_its_parts(client: Client, customer: Customer) -> None:
    for amount in (100, 250, 50, 70, 30):
        await customer.deposit(amount, note="for you", staff_note="not for you")
    await customer.withdraw(80)
    path, parts, cursor = f"/customers/{customer.id}/transfers", [], ""
    while True:
        part = (await client.ask("GET", f"{path}?limit=2{cursor}", caller=customer.caller)).json()
        parts.append(part)
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert len(parts) == 3
    assert parts[0]["opening_minor"] == 0
    assert parts[-1]["closing_minor"] == 420
    for part in parts:
        assert part["opening_minor"] + sum(item["amount_minor"] for item in part["items"]) == part["closing_minor"]
    assert [after["opening_minor"] for after in parts[1:]] == [before["closing_minor"] for before in parts[:-1]]
    first = parts[0]["items"][0]
    assert (first["note"], first["staff_note"], first["made_by"]) == ("for you", None, None)


async def test_a_statement_begins_with_the_balance_of_the_day_before(client: Client, customer: Customer) -> None:
    await customer.deposit(100)
    path = f"/customers/{customer.id}/transfers"
    later = (await client.ask("GET", f"{path}?from=2999-01-01&to=9999-12-31")).json()
    assert (later["opening_minor"], later["items"], later["closing_minor"]) == (100, [], 100)
    earlier = (await client.ask("GET", f"{path}?to=2001-01-01")).json()
    assert (earlier["opening_minor"], earlier["items"], earlier["closing_minor"]) == (0, [], 0)


async def test_an_act_of_staff_can_be_read(client: Client, customer: Customer) -> None:
    body = {"amount_minor": 5, "currency": "USD", "staff_note": "goodwill"}
    await client.ask("POST", f"/customers/{customer.id}/deposits", body)
    acts = (await client.ask("GET", f"/customers/{customer.id}/acts")).json()
    assert [(act["login"], act["role"], act["act"], act["note"]) for act in acts] == [
        ("fin", "financier", "deposit", "goodwill")
    ]


async def test_an_unknown_address_and_method_are_problems_too(client: Client) -> None:
    assert refusal(await client.ask("GET", "/nothing")) == (404, "not_found")
    assert refusal(await client.ask("DELETE", "/healthz")) == (405, "method_not_allowed")
    assert refusal(await client.ask("GET", "/customers/not-an-id/balance")) == (422, "invalid_request")
    assert refusal(await client.ask("GET", "/orders/ORD-1/invoice")) == (422, "invalid_request")


async def test_a_balance_says_what_the_asking_person_may_do_with_it(client: Client, customer: Customer) -> None:
    path = f"/customers/{customer.id}/balance"
    for caller, may in ((FINANCIER, ["deposit", "withdraw"]), (OPERATOR, []), (customer.caller, [])):
        assert (await client.ask("GET", path, caller=caller)).json()["actions"] == may


async def test_of_each_of_many_customers_the_balance_is_what_they_are_shown_themselves(
    client: Client, customer: Customer
) -> None:
    await customer.deposit(500)
    others = Customer(customer.database)
    both = f"customer_id={customer.id}&customer_id={others.id}"
    answer = await client.ask("GET", f"/balances?{both}", caller=OPERATOR)
    own = [await client.ask("GET", f"/customers/{each.id}/balance", caller=each.caller) for each in (customer, others)]
    assert answer.json() == [each.json() for each in own]
    assert [each["balance_minor"] for each in answer.json()] == [500, 0]
    assert refusal(await client.ask("GET", f"/balances?{both}", caller=customer.caller)) == (403, "forbidden")
