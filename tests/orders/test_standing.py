"""Where an order stands: the table in `standing.py`, and that no order of delivery changes it."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from sqlalchemy.exc import NoResultFound

from services.orders.standing import DEAD, TRANSITIONS, reached
from shared.contracts.http.orders import ItemStatus
from tests.client import refusal
from tests.orders.conftest import OPERATOR, Customer


async def test_paid_in_full_marks_the_order_and_its_payable_items(customer: Customer) -> None:
    number = await customer.place(600, 400, delivery_minor=50)
    await customer.pay(number)
    page = await customer.page(number)
    assert (page["status"], page["paid_minor"], page["remaining_minor"]) == ("paid", 1_050, 0)
    assert page["item_counts"] == [{"status": "paid", "count": 2}]
    assert await customer.told(number) == [("order_placed", 1), ("order_changed", 2)]


async def test_paid_in_part_leaves_everything_awaiting_payment(customer: Customer) -> None:
    number = await customer.place(600)
    await customer.hear(customer.fact(number, 1, 100))
    page = await customer.page(number)
    assert (page["status"], page["remaining_minor"]) == ("awaiting_payment", 500)
    assert page["items"][0]["status"] == "awaiting_payment"


async def test_paid_for_what_costs_more_by_now_awaits_the_rest(customer: Customer) -> None:
    number = await customer.place(600, 400)
    await customer.amend(number, 1, unit_price_minor=900, status="awaiting_payment")
    await customer.hear(customer.fact(number, 1, 1_000, full_at=datetime.now(UTC)))
    page = await customer.page(number)
    assert (page["status"], page["remaining_minor"]) == ("awaiting_additional_payment", 300)
    assert [item["status"] for item in page["items"]] == ["awaiting_payment", "paid"]


async def test_paid_for_what_costs_less_by_now_is_paid(customer: Customer) -> None:
    number = await customer.place(600, 400)
    await customer.amend(number, 1, unit_price_minor=100)
    await customer.hear(customer.fact(number, 1, 1_000, full_at=datetime.now(UTC)))
    page = await customer.page(number)
    assert (page["status"], page["remaining_minor"]) == ("paid", 0)


async def test_an_item_that_died_stays_dead_when_paid_arrives(customer: Customer) -> None:
    number = await customer.place(600, 400)
    await customer.amend(number, 2, status="unable_to_deliver")
    await customer.hear(customer.fact(number, 1, 1_000, full_at=datetime.now(UTC)))
    page = await customer.page(number)
    assert [item["status"] for item in page["items"]] == ["paid", "unable_to_deliver"]
    assert (page["status"], page["subtotal_minor"]) == ("paid", 600)


async def test_a_cancelled_order_is_never_revived(customer: Customer) -> None:
    number = await customer.place(600)
    await customer.client.ask("POST", f"/orders/{number}/cancellation", {}, caller=OPERATOR)
    await customer.pay(number)
    await customer.hear(customer.fact(number, 2, 600, full_at=datetime.now(UTC)))
    page = await customer.page(number)
    assert (page["status"], page["total_minor"], page["paid_minor"]) == ("cancelled", 0, 600)
    assert page["actions"] == []


async def test_the_last_item_that_dies_cancels_the_order(customer: Customer) -> None:
    number = await customer.place(600, delivery_minor=50)
    await customer.amend(number, 1, status="cancelled")
    page = await customer.page(number)
    assert (page["status"], page["total_minor"]) == ("cancelled", 0)
    assert (await customer.told(number))[-1] == ("order_cancelled", 2)


async def test_an_order_that_costs_nothing_is_paid_at_once(customer: Customer) -> None:
    page = await customer.page(await customer.place(0))
    assert (page["status"], page["items"][0]["status"]) == ("paid", "paid")


async def test_what_was_paid_for_an_order_that_is_not_there_yet_is_an_error_to_be_tried_again(
    customer: Customer,
) -> None:
    early = customer.fact("ORD-9999999999", 1, 600, full_at=datetime.now(UTC))
    with pytest.raises(NoResultFound):
        await customer.hear(early)
    number = await customer.place(600)
    await customer.hear(early.model_copy(update={"order_number": number}))
    assert (await customer.page(number))["status"] == "paid"


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_billings_facts_in_any_order_and_twice_end_the_same(customer: Customer, order: tuple[int, ...]) -> None:
    number = await customer.place(600, 400)
    await customer.amend(number, 2, status="cancelled")
    first = datetime(2026, 1, 2, tzinfo=UTC)
    facts = [
        customer.fact(number, 1, 300),
        customer.fact(number, 2, 1_000, full_at=first),
        customer.fact(number, 3, 600, full_at=first, refund=True),
        customer.fact(number, 4, 650, full_at=first),
    ]
    for index in order:
        await customer.hear(facts[index], facts[index])
    page = await customer.page(number)
    assert (page["status"], page["paid_minor"], page["remaining_minor"]) == ("paid", 650, 0)
    versions = [version for _, version in await customer.told(number)]
    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize(
    ("live", "order_status"),
    [
        (("paid", "paid"), "paid"),
        (("paid", "ordered"), "in_handling"),
        (("received", "received"), "in_handling"),
        (("packed", "paid"), "in_handling"),
        (("packed", "shipped"), "ready_to_ship"),
        (("shipped", "completed"), "shipped"),
        (("completed", "completed"), "completed"),
        (("price_confirmation", "paid"), "paid"),
    ],
)
def test_a_paid_order_is_as_far_as_its_last_item(live: tuple[str, ...], order_status: str) -> None:
    assert reached(ItemStatus(status) for status in live) == order_status


def test_paid_is_never_set_by_hand_and_the_dead_stay_dead() -> None:
    assert set(TRANSITIONS) == set(ItemStatus)
    assert all(ItemStatus.PAID not in after for after in TRANSITIONS.values())
    assert all(TRANSITIONS[status] == () for status in DEAD)


@pytest.mark.parametrize("start", ["awaiting_payment", "paid", "ordered", "received", "packed", "shipped", "completed"])
async def test_an_item_goes_where_its_actions_say_and_nowhere_else(customer: Customer, start: str) -> None:
    way = ["ordered", "received", "packed", "shipped", "completed"]
    for target in ItemStatus:
        number = await customer.place(600, 400)
        if start != "awaiting_payment":
            await customer.pay(number)
            for step in way[: way.index(start) + 1] if start != "paid" else []:
                assert (await customer.amend(number, 1, status=step)).status_code == 200
        before = await customer.page(number)
        offered = before["items"][0]["actions"]
        answer = await customer.amend(number, 1, status=target.value)
        if target.value in (*offered, start):
            assert answer.status_code == 200, answer.text
        else:
            assert refusal(answer) == (409, "transition_refused")
            assert await customer.page(number) == before
