"""What browsers are told of each event, and which of them."""

from uuid import uuid4

import pytest

from gateway.consumers import heard, pushes
from gateway.live import Push
from gateway.news import News
from shared.contracts.base import Event
from shared.contracts.http.support import Author
from tests.gateway.events import balance_changed, counts_changed, hold_changed, order_changed, ticket_changed


def told(event: Event) -> list[Push]:
    return list(pushes(event))


def own(push: Push) -> News:
    """What the customer hears."""
    assert push.for_customer is not None
    return push.for_customer


def test_each_event_says_what_changed_and_for_whom() -> None:
    customer_id = uuid4()
    [order], [balance] = told(order_changed(customer_id)), told(balance_changed(customer_id))
    assert order.for_customer is order.for_staff
    assert (order.for_staff.event(), order.customer_id) == ("order_changed", customer_id)
    assert order.for_staff.model_dump(mode="json") == {
        "number": "ORD-0000000023", "customer_id": str(customer_id), "status": "paid", "version": 2,
        "total_minor": 5, "paid_minor": 5, "remaining_minor": 0,
    }  # fmt: skip
    assert own(balance).event() == "balance_changed"
    assert '"available_minor":8,"version":4}' in own(balance).model_dump_json()


def test_only_staff_hear_the_shops_count() -> None:
    [counts] = told(counts_changed(uuid4()))
    assert "shop_new" not in own(counts).model_dump(exclude_unset=True)
    assert counts.for_staff.model_dump(include={"shop_new", "shop_version"}) == {"shop_new": 7, "shop_version": 9}


def test_only_staff_hear_of_a_withdrawal_that_waits() -> None:
    [hold] = told(hold_changed(uuid4()))
    assert hold.for_customer is None
    assert hold.for_staff.event() == "hold_changed"
    assert hold.for_staff.model_dump(include={"amount_minor", "state", "version"}, mode="json") == {
        "amount_minor": 150_000, "state": "waiting", "version": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("author", "shown"), [(Author.STAFF, None), (Author.CUSTOMER, "oper")])
def test_a_customer_hears_what_staff_wrote_but_not_which_of_them(author: Author, shown: str | None) -> None:
    ticket, added = told(ticket_changed(uuid4(), author))
    assert (ticket.for_staff.event(), added.for_staff.event()) == ("ticket_changed", "message_added")
    for_customer, for_staff = own(added).model_dump()["message"], added.for_staff.model_dump()["message"]
    assert (for_customer["text"], for_customer["author_login"], for_staff["author_login"]) == ("Hello", shown, "oper")


def test_what_is_no_valid_event_is_not_pushed() -> None:
    assert not heard("orders.order_changed.v1", b"{}")
