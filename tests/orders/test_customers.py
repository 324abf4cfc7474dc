"""Customers over HTTP: registering and finding them, and how the orders of many stand."""

from uuid import uuid4

import pytest

from tests.client import Client, refusal
from tests.orders.conftest import OPERATOR, Customer


async def test_a_login_is_one_customers(client: Client, customer: Customer) -> None:
    twin = {"login": customer.login, "name": "Twin", "email": "twin@example.org"}
    assert refusal(await client.ask("POST", "/customers", twin, caller=OPERATOR)) == (409, "login_taken")


@pytest.mark.parametrize(
    "wrong",
    [{"login": ""}, {"login": "a b"}, {"email": "nobody"}, {"name": " "}, {"name": "x" * 201}, {"phone": "\x00"}],
)
async def test_a_wrong_customer_is_refused(client: Client, wrong: dict[str, str]) -> None:
    right = {"login": f"w-{uuid4().hex[:8]}", "name": "W", "email": "w@example.org"}
    assert refusal(await client.ask("POST", "/customers", right | wrong, caller=OPERATOR)) == (422, "invalid_request")


async def test_customers_are_found_by_a_part_of_their_name_or_login(client: Client, customer: Customer) -> None:
    for q in (f"NAME%20{customer.login}", customer.login[2:].upper()):
        found = await client.ask("GET", f"/customers?q={q}", caller=OPERATOR)
        assert [each["id"] for each in found.json()["items"]] == [str(customer.id)]
    one = await client.ask("GET", f"/customers/{customer.id}", caller=customer.caller)
    assert one.json()["login"] == customer.login


async def test_the_customers_that_are_named_are_found(client: Client, customer: Customer) -> None:
    found = await client.ask("GET", f"/customers?id={customer.id}&id={uuid4()}", caller=OPERATOR)
    assert [each["id"] for each in found.json()["items"]] == [str(customer.id)]


async def test_of_each_of_many_customers_it_is_told_how_their_newest_orders_stand(
    client: Client, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.orders.routes.NEWEST", 2)
    _, paid, newest = [await customer.place(100) for _ in range(3)]
    await customer.pay(paid)
    nobody = str(uuid4())
    answer = await client.ask("GET", f"/newest-orders?customer_id={nobody}&customer_id={customer.id}", caller=OPERATOR)
    assert answer.json() == [
        {"customer_id": nobody, "orders": []},
        {
            "customer_id": str(customer.id),
            "orders": [
                {"number": newest, "status": "awaiting_payment", "version": 1},
                {"number": paid, "status": "paid", "version": 2},
            ],
        },
    ]
    assert refusal(await client.ask("GET", "/newest-orders", caller=customer.caller)) == (403, "forbidden")
