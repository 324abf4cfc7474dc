"""Amounts are exact, whatever they are."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.errors import TotalTooLarge
from services.orders.importer.checking import LineRefused, _price
from services.orders.models.item import Item
from services.orders.models.order import Order
from services.orders.standing import DEAD
from shared.contracts.base import LARGEST_AMOUNT_MINOR
from shared.contracts.http.orders import ItemStatus

ITEMS = st.lists(
    st.tuples(
        st.integers(1, 1_000_000),
        st.integers(0, 10_000) | st.integers(0, LARGEST_AMOUNT_MINOR),
        st.sampled_from(ItemStatus),
    ),
    min_size=1,
    max_size=20,
)


@given(ITEMS, st.integers(0, LARGEST_AMOUNT_MINOR), st.integers(0, 2 * LARGEST_AMOUNT_MINOR))
def test_an_order_costs_its_live_items_and_its_delivery_and_what_is_not_paid_of_that_remains(
    items: list[tuple[int, int, ItemStatus]], delivery_minor: int, paid_minor: int
) -> None:
    order = Order(delivery_minor=delivery_minor, paid_minor=paid_minor, paid_version=0)
    order.items = [
        Item(line=line, quantity=quantity, unit_price_minor=price_minor, status=status.value, raised_version=1)
        for line, (quantity, price_minor, status) in enumerate(items, 1)
    ]
    live = [quantity * price_minor for quantity, price_minor, status in items if status not in DEAD]
    costs_minor = sum(live) + delivery_minor if live else 0
    if costs_minor > LARGEST_AMOUNT_MINOR:
        with pytest.raises(TotalTooLarge):
            order.settle()
        return
    order.settle()
    assert order.total_minor == costs_minor
    assert order.remaining_minor == max(0, costs_minor - paid_minor)


@given(st.integers(1, LARGEST_AMOUNT_MINOR), st.sampled_from([0, 2, 3]))
def test_a_price_that_is_read_is_the_price_that_was_written(price_minor: int, digits: int) -> None:
    text = f"{Decimal(price_minor).scaleb(-digits):f}"
    assert _price(text, digits) == price_minor


@given(st.integers(0, 10**9), st.integers(1, 9))
def test_a_price_with_more_digits_than_its_currency_is_refused_not_rounded(whole: int, digit: int) -> None:
    with pytest.raises(LineRefused, match="more digits"):
        _price(f"{whole}.00{digit}", 2)
