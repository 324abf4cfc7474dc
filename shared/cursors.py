"""Lists in parts: where the next part begins, and how much of it."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from shared.contracts.base import OrderNumber, storable
from shared.errors import BadCursor


def encode_cursor(*place: int | str) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> list[Any]:
    """The place that `encode_cursor` was given, of these kinds; refuses anything else: `BadCursor`."""
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        fits = isinstance(place, list) and [type(part) for part in place] == list(kinds)
        if fits and all(abs(part) < 2**63 if isinstance(part, int) else storable(part) == part for part in place):
            return list(place)
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise BadCursor("This cursor is not one that a list has given: begin without one.")


def encode_place(at: datetime, identity: UUID) -> str:
    """The cursor of a list by moment, whose rows of one moment stand by their ids."""
    return encode_cursor(at.isoformat(), str(identity))


def decode_place(cursor: str | None) -> tuple[datetime, UUID] | None:
    """What `encode_place` was given; refuses `BadCursor`."""
    if cursor is None:
        return None
    moment, identity = decode_cursor(cursor, str, str)
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is not None:
            return at.astimezone(UTC), UUID(identity)
    except (ValueError, OverflowError):
        pass
    raise BadCursor("This cursor is not one that a list has given: begin without one.")


Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the part before.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]

# For the gateway, which reads whole books: a part begins after the key of the last position of the part before.
Many = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
ManyNames = Annotated[int, Query(ge=1, le=5_000, description="How many at most.")]
Lately = Annotated[int, Query(ge=1, le=3600, description="Within how many seconds.")]
Numbers = Annotated[Sequence[OrderNumber], Query(max_length=100, description="Only these.")]
Ids = Annotated[Sequence[UUID], Query(max_length=100, description="Only these.")]
