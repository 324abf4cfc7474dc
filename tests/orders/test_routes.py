"""Orders over HTTP: placing, finding, changing, cancelling; who may, and what is refused."""

import asyncio
from uuid import uuid4

import pytest

from shared.auth import Caller, Role
from tests.client import Client, refusal
from tests.orders.conftest import OPERATOR, Customer


def body(customer: Customer, **changes: object) -> dict[str, object]:
    item = {"sku": "S1", "title": "Thing", "quantity": 1, "unit_price_minor": 100}
    return {
        "customer_id": str(customer.id),
        "currency": "USD",
        "delivery_minor": 0,
        "shipping_address": "Here",
        "items": [item | changes.pop("item", {})],  # type: ignore[operator]
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"currency": "EUR"}, (422, "currency_mismatch")),
        ({"items": []}, (422, "invalid_request")),
        ({"delivery_minor": -1}, (422, "invalid_request")),
        ({"shipping_address": "x" * 501}, (422, "invalid_request")),
        ({"shipping_address": "a\x00b"}, (422, "invalid_request")),
        ({"shipping_address": "\udfff"}, (422, "invalid_request")),
        ({"gift": True}, (422, "invalid_request")),
        ({"item": {"quantity": 0}}, (422, "invalid_request")),
        ({"item": {"quantity": 1.0}}, (422, "invalid_request")),
        ({"item": {"unit_price_minor": -1}}, (422, "invalid_request")),
        ({"item": {"unit_price_minor": 10**12 + 1}}, (422, "invalid_request")),
        ({"item": {"title": "  "}}, (422, "invalid_request")),
        ({"item": {"discount": 1}}, (422, "invalid_request")),
        ({"item": {"quantity": 2, "unit_price_minor": 10**12}}, (422, "total_too_large")),
        ({"customer_id": str(uuid4())}, (404, "unknown_customer")),
    ],
)
async def test_a_wrong_order_is_refused_and_not_made(
    client: Client, customer: Customer, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    answer = await client.ask("POST", "/orders", body(customer, **changes), caller=OPERATOR)
    assert refusal(answer) == expected
    mine = await client.ask("GET", "/orders", caller=customer.caller)
    assert mine.json() == {"items": [], "next": None}


async def test_an_order_sent_again_is_made_once(client: Client, customer: Customer) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(
        *(client.ask("POST", "/orders", body(customer), caller=customer.caller, key=key) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await client.ask("GET", "/orders", caller=customer.caller)).json()["items"]) == 1


async def test_an_order_is_found_by_its_last_digits_and_by_its_customer(client: Client, customer: Customer) -> None:
    number = await customer.place(100)
    for q in (
        number,
        number[-3:],
        number[-6:],
        number.lower(),
        customer.login,
        f"NAME {customer.login}",
        "@example.org",
    ):
        found = await client.ask("GET", f"/orders?q={q.replace('@', '%40').replace(' ', '%20')}", caller=OPERATOR)
        assert number in [row["number"] for row in found.json()["items"]], q
    for q in ("ORD-9999999999", "%25", "_", "nobody at all"):
        found = await client.ask("GET", f"/orders?q={q.replace(' ', '%20')}&customer_id={customer.id}", caller=OPERATOR)
        assert found.json()["items"] == [], q


async def test_one_or_two_letters_find_whose_name_they_begin(client: Client, customer: Customer) -> None:
    number = await customer.place(100)

    async def found(q: str) -> bool:
        rows = await client.ask("GET", f"/orders?q={q}&customer_id={customer.id}", caller=OPERATOR)
        customers = await client.ask("GET", f"/customers?q={q}&id={customer.id}", caller=OPERATOR)
        found = ([row["number"] for row in rows.json()["items"]], [row["id"] for row in customers.json()["items"]])
        assert found in (([number], [str(customer.id)]), ([], [])), q
        return bool(found[0])

    beginning, middle = customer.login[:2], "am"
    assert [await found(q) for q in ("n", "Na", beginning, beginning[0], "NAM")] == [True] * 5
    assert [await found(q) for q in (middle, "e%20", "%25", "_")] == [False] * 4


async def test_a_customer_sees_own_orders_by_group_and_nobody_elses(client: Client, customer: Customer) -> None:
    waiting, paid = await customer.place(100), await customer.place(200)
    await customer.pay(paid)

    async def numbers(query: str) -> list[str]:
        found = await client.ask("GET", f"/orders{query}", caller=customer.caller)
        return [row["number"] for row in found.json()["items"]]

    assert await numbers("") == [paid, waiting]
    assert await numbers("?group=awaiting_payment") == [waiting]
    assert await numbers("?group=active") == [paid]
    assert await numbers("?group=completed") == []
    assert await numbers(f"?customer_id={uuid4()}") == [paid, waiting]


async def test_a_list_comes_in_parts_without_gaps(client: Client, customer: Customer) -> None:
    placed = [await customer.place(100) for _ in range(7)]
    seen, cursor = [], ""
    while True:
        part = (await client.ask("GET", f"/orders?limit=3{cursor}", caller=customer.caller)).json()
        seen += [row["number"] for row in part["items"]]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert seen == placed[::-1]


async def test_another_customers_order_looks_like_none(client: Client, customer: Customer) -> None:
    number = await customer.place(100)
    stranger = Customer(client, customer.database, uuid4(), "stranger")
    foreign = await client.ask("GET", f"/orders/{number}", caller=stranger.caller)
    missing = await client.ask("GET", "/orders/ORD-9999999999", caller=stranger.caller)
    assert refusal(foreign) == refusal(missing) == (404, "unknown_order")
    assert foreign.text.replace(number, "") == missing.text.replace("ORD-9999999999", "")
    accepted = await client.ask("POST", f"/orders/{number}/items/1/acceptance", caller=stranger.caller)
    assert refusal(accepted) == (404, "unknown_order")


async def test_only_staff_change_cancel_register_and_read_acts(client: Client, customer: Customer) -> None:
    number = await customer.place(100)
    for method, path, what in (
        ("PATCH", f"/orders/{number}/items/1", {"quantity": 2}),
        ("POST", f"/orders/{number}/cancellation", {}),
        ("GET", f"/orders/{number}/acts", None),
        ("GET", "/customers", None),
        ("POST", "/customers", {"login": "x1", "name": "X", "email": "x@example.org"}),
    ):
        assert refusal(await client.ask(method, path, what, caller=customer.caller)) == (403, "forbidden")


async def test_a_raised_price_needs_the_customers_word(client: Client, customer: Customer) -> None:
    number = await customer.place(100, 50)
    await customer.pay(number)
    await customer.amend(number, 1, unit_price_minor=130)
    page = await customer.page(number, customer.caller)
    assert (page["status"], page["remaining_minor"]) == ("awaiting_additional_payment", 30)
    assert page["items"][0]["actions"] == ["accept_price"]
    accepted = await client.ask("POST", f"/orders/{number}/items/1/acceptance", caller=customer.caller)
    assert accepted.json()["items"][0]["status"] == "awaiting_payment"
    again = await client.ask("POST", f"/orders/{number}/items/1/acceptance", caller=customer.caller)
    assert refusal(again) == (409, "transition_refused")


async def test_more_pieces_of_a_paid_item_await_payment_and_fewer_do_not(customer: Customer) -> None:
    number = await customer.place(100, quantity=2)
    await customer.pay(number)
    more = (await customer.amend(number, 1, quantity=3)).json()
    assert (more["status"], more["items"][0]["status"]) == ("awaiting_additional_payment", "awaiting_payment")
    fewer = (await customer.amend(number, 1, quantity=1)).json()
    assert (fewer["status"], fewer["items"][0]["status"], fewer["total_minor"]) == ("paid", "paid", 100)


async def test_a_shipped_item_keeps_its_price_and_its_order_is_not_cancelled(
    client: Client, customer: Customer
) -> None:
    number = await customer.place(100)
    await customer.pay(number)
    for step in ("ordered", "received", "packed", "shipped"):
        await customer.amend(number, 1, status=step)
    assert refusal(await customer.amend(number, 1, unit_price_minor=1)) == (409, "not_changeable")
    cancelled = await client.ask("POST", f"/orders/{number}/cancellation", {}, caller=OPERATOR)
    assert refusal(cancelled) == (409, "not_cancellable")
    assert (await customer.page(number))["actions"] == []


async def test_a_change_that_changes_nothing_is_not_told(customer: Customer) -> None:
    number = await customer.place(100)
    assert (await customer.amend(number, 1, unit_price_minor=100, quantity=1)).json()["version"] == 1
    assert refusal(await customer.amend(number, 1)) == (422, "invalid_request")
    assert refusal(await customer.amend(number, 9, quantity=1)) == (404, "unknown_item")
    assert await customer.told(number) == [("order_placed", 1)]


async def test_what_staff_did_can_be_read_with_who_and_why(client: Client, customer: Customer) -> None:
    number = await customer.place(100, 200)
    await customer.amend(number, 1, unit_price_minor=90)
    await client.ask("POST", f"/orders/{number}/cancellation", {"reason": "by phone"}, caller=OPERATOR)
    acts = (await client.ask("GET", f"/orders/{number}/acts", caller=OPERATOR)).json()
    assert [(act["act"], act["login"], act["note"]) for act in acts] == [
        ("cancel_order", "oper", "by phone"),
        ("amend_item", "oper", None),
    ]
    assert acts[1]["details"] == {"line": 1, "unit_price_minor": 90, "unit_price_minor_before": 100}


async def test_an_order_of_which_some_is_shipped_is_not_cancelled_whole(client: Client, customer: Customer) -> None:
    number = await customer.place(100, 200)
    await customer.pay(number)
    for step in ("ordered", "received", "packed", "shipped"):
        await customer.amend(number, 1, status=step)
    assert (await customer.page(number))["actions"] == []
    cancelled = await client.ask("POST", f"/orders/{number}/cancellation", {}, caller=OPERATOR)
    assert refusal(cancelled) == (409, "not_cancellable")
    assert (await customer.amend(number, 2, status="cancelled")).json()["status"] == "shipped"


async def test_a_customer_without_a_number_is_nobody(client: Client) -> None:
    nobody = Caller("nobody", Role.CUSTOMER)
    assert refusal(await client.ask("GET", "/orders", caller=nobody)) == (401, "unauthenticated")
