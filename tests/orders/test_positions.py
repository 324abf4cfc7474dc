"""What orders tells of its books: each order as it is kept, and as its own items make it."""

from typing import Any

from sqlalchemy import text

from shared.auth import Caller, Role
from tests.client import refusal
from tests.orders.conftest import OPERATOR, Customer

ADMIN = Caller("root", Role.ADMIN)


async def position(customer: Customer, number: str) -> Any:
    answer = await customer.client.ask("GET", f"/positions?number={number}", caller=ADMIN)
    assert answer.status_code == 200, answer.text
    [told] = answer.json()
    return told


async def spoil(customer: Customer, statement: str, number: str) -> None:
    """As somebody who writes into the tables by hand."""
    async with customer.database.transaction() as session:
        await session.execute(text(statement), {"n": int(number.removeprefix("ORD-"))})


async def test_an_order_that_was_only_ever_changed_by_purser_stands_as_its_items_say(customer: Customer) -> None:
    number = await customer.place(500, 300, delivery_minor=50)
    await customer.pay(number)
    await customer.amend(number, 1, status="ordered")
    await customer.amend(number, 2, status="unable_to_deliver")
    told = await position(customer, number)
    assert (told["status"], told["total_minor"]) == ("in_handling", 550)
    assert (told["settled_status"], told["settled_total_minor"], told["misplaced_items"]) == ("in_handling", 550, 0)
    assert (told["paid_minor"], told["billing_version"]) == (850, 1)


async def test_a_total_a_status_and_an_item_set_by_hand_are_seen_and_stay(customer: Customer) -> None:
    number = await customer.place(500)
    await spoil(customer, "UPDATE orders SET status = 'paid', total_minor = 400 WHERE number = :n", number)
    told = await position(customer, number)
    assert (told["status"], told["settled_status"]) == ("paid", "awaiting_payment")
    assert (told["total_minor"], told["settled_total_minor"]) == (400, 500)
    await spoil(customer, "UPDATE orders SET total_minor = 500, paid_minor = 500 WHERE number = :n", number)
    told = await position(customer, number)
    assert (told["settled_status"], told["misplaced_items"]) == ("paid", 1)
    assert (await customer.page(number))["items"][0]["status"] == "awaiting_payment"


async def test_an_item_that_lives_on_in_a_cancelled_order_is_seen(customer: Customer) -> None:
    number = await customer.place(500, 300)
    await customer.client.ask("POST", f"/orders/{number}/cancellation", caller=OPERATOR)
    await spoil(customer, "UPDATE items SET status = 'paid' WHERE order_number = :n AND line = 2", number)
    assert (await position(customer, number))["misplaced_items"] == 1


async def test_positions_come_in_parts_by_number_and_each_once(customer: Customer) -> None:
    numbers = [await customer.place(100) for _ in range(5)]
    seen, after = [], f"ORD-{int(numbers[0].removeprefix('ORD-')) - 1:010d}"
    while True:
        part = (await customer.client.ask("GET", f"/positions?after={after}&limit=2", caller=ADMIN)).json()
        seen += [told["order_number"] for told in part]
        if len(part) < 2:
            break
        after = seen[-1]
    assert [number for number in seen if number in numbers] == numbers
    assert seen == sorted(set(seen))


async def test_an_order_told_again_is_a_new_version_of_the_same_facts(customer: Customer) -> None:
    number = await customer.place(500)
    before = await customer.page(number)
    answer = await customer.client.ask("POST", f"/orders/{number}/telling", caller=ADMIN)
    assert answer.json() == {"version": 2}
    assert await customer.page(number) == {**before, "version": 2}
    assert await customer.told(number) == [("order_placed", 1), ("order_amended", 2)]
    await customer.client.ask("POST", f"/orders/{number}/cancellation", caller=OPERATOR)
    await customer.client.ask("POST", f"/orders/{number}/telling", caller=ADMIN)
    assert (await customer.told(number))[2:] == [("order_cancelled", 3), ("order_cancelled", 4)]
    acts = (await customer.client.ask("GET", f"/orders/{number}/acts", caller=OPERATOR)).json()
    assert [(act["login"], act["details"]) for act in acts if act["act"] == "tell_order_again"] == [
        ("root", {"version": 4}),
        ("root", {"version": 2}),
    ]


async def test_the_books_are_an_admins(customer: Customer) -> None:
    number = await customer.place(500)
    for caller in (OPERATOR, Caller("fin", Role.FINANCIER), customer.caller):
        assert refusal(await customer.client.ask("GET", "/positions", caller=caller)) == (403, "forbidden")
        telling = await customer.client.ask("POST", f"/orders/{number}/telling", caller=caller)
        assert refusal(telling) == (403, "forbidden")
