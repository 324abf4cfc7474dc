"""Money in the contracts: whole minor units, exactly, or refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import LARGEST_AMOUNT_MINOR, Amount, Price, Sum
from shared.contracts.http.billing import MoveMoney

TYPES = {"Amount": (TypeAdapter(Amount), 1), "Price": (TypeAdapter(Price), 0), "Sum": (TypeAdapter(Sum), 0)}
LARGEST = {"Amount": LARGEST_AMOUNT_MINOR, "Price": LARGEST_AMOUNT_MINOR, "Sum": 2**63 - 1}
# Always the same examples, so that a failure is one for everybody.
SAME = settings(derandomize=True, deadline=None, max_examples=200)


@pytest.mark.parametrize("name", TYPES)
@SAME
@given(number=st.integers() | st.sampled_from([0, -1, 1, 10**12, 10**12 + 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63]))
def test_a_whole_number_within_bounds_is_kept_to_the_last_unit_and_any_other_refused(name: str, number: int) -> None:
    adapter, least = TYPES[name]
    if least <= number <= LARGEST[name]:
        assert adapter.validate_json(str(number)) == number
        assert adapter.dump_json(number) == str(number).encode()
    else:
        with pytest.raises(ValidationError):
            adapter.validate_json(str(number))


NO_AMOUNTS = (
    st.floats()
    | st.booleans()
    | st.none()
    | st.text(max_size=10)
    | st.integers(1, 10**6).map(str)
    | st.integers(1, 10**6).map(float)
    | st.lists(st.integers(1, 9), max_size=2)
)


@pytest.mark.parametrize("name", TYPES)
@SAME
@given(given_instead=NO_AMOUNTS)
def test_nothing_but_a_whole_number_is_money(name: str, given_instead: Any) -> None:
    adapter, _ = TYPES[name]
    with pytest.raises(ValidationError):
        adapter.validate_python(given_instead)
    with pytest.raises(ValidationError):
        adapter.validate_json(json.dumps(given_instead))


@pytest.mark.parametrize(
    "written", ["1.0", "1e3", "1E0", "0x10", "1_000", "+1", "01", "NaN", "Infinity", "1e999", "true"]
)
def test_a_number_written_in_another_way_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        MoveMoney.model_validate_json(f'{{"amount_minor": {written}, "currency": "USD"}}')


@SAME
@given(amounts=st.lists(st.integers(1, LARGEST_AMOUNT_MINOR), max_size=50))
def test_amounts_add_up_exactly_also_through_json(amounts: list[int]) -> None:
    read = [TYPES["Amount"][0].validate_json(str(amount)) for amount in amounts]
    assert TYPES["Sum"][0].validate_json(json.dumps(sum(read))) == sum(amounts)
