"""A cursor is what a list has given, or it is refused: nothing in it can reach the database and fail there."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cursors import decode_cursor, encode_cursor
from shared.errors import BadCursor

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@given(TEXT, st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_cursor_leads_back_to_its_place(word: str, number: int) -> None:
    assert decode_cursor(encode_cursor(word, number), str, int) == [word, number]


@pytest.mark.parametrize(
    "place", [["a\x00b", 1], ["\ud800", 1], ["a", 2**63], ["a", True], ["a", 1.0], ["a"], ["a", 1, 1], {"a": 1}, None]
)
def test_a_place_that_no_list_can_give_is_refused(place: object) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    with pytest.raises(BadCursor):
        decode_cursor(forged, str, int)


@pytest.mark.parametrize("forged", ["x", "é", "====", base64.urlsafe_b64encode(b"[" * 100_000).decode(), "_wA"])
def test_what_is_no_cursor_is_refused(forged: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(forged, str)
