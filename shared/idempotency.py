"""One key, one effect: a repeated request gets the first answer again, and moves nothing twice."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import failpoints
from shared.errors import IdempotencyKeyReused
from shared.rows import Rows

V = TypeVar("V", bound=BaseModel)


async def once(
    session: AsyncSession, scope: str, key: str, request: bytes, answer: type[V], work: Callable[[], Awaitable[V]]
) -> V:
    """Do `work` unless `key` has been used in `scope`; then give its answer again.

    The key is claimed inside the business transaction, so that a refusal, or a crash, frees it; a second request with
    the same key waits on the unique index until the first has ended. Refuses the key with another `request`:
    `IdempotencyKeyReused`.
    """
    which = {"scope": scope, "key": key}
    request_hash = hashlib.sha256(request).digest()
    failpoints.hit("before_claim", answer.__name__)
    claimed = await session.execute(
        text(
            "INSERT INTO idempotency_keys (scope, key, request_hash) VALUES (:scope, :key, :request_hash)"
            " ON CONFLICT DO NOTHING RETURNING key"
        ),
        {**which, "request_hash": request_hash},
    )
    if claimed.first() is None:
        first = (
            await session.execute(
                text("SELECT request_hash, answer FROM idempotency_keys WHERE scope = :scope AND key = :key"), which
            )
        ).one()
        if first.request_hash != request_hash:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request: send a new one.")
        return answer.model_validate_json(first.answer)
    failpoints.hit("after_claim", answer.__name__)
    view = await work()
    await session.execute(
        text("UPDATE idempotency_keys SET answer = :answer WHERE scope = :scope AND key = :key"),
        {**which, "answer": view.model_dump_json()},
    )
    return view


# --- Many at once -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """A key, and what it is used for."""

    scope: str
    key: str
    request_hash: bytes

    @classmethod
    def of(cls, scope: str, key: str, request: bytes) -> "Claim":
        return cls(scope, key, hashlib.sha256(request).digest())


class Answers(Generic[V]):
    """What was answered to keys before."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], tuple[bytes, V]] = {}

    def add(self, claim: Claim, answer: V) -> None:
        self._given[claim.scope, claim.key] = (claim.request_hash, answer)

    def repeat(self, claim: Claim) -> V | None:
        """None for a new key; refuses one that was used with another request: `IdempotencyKeyReused`."""
        request_hash, answer = self._given.get((claim.scope, claim.key), (claim.request_hash, None))
        if request_hash != claim.request_hash:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request: send a new one.")
        return answer


async def find_answers(session: AsyncSession, claims: Sequence[Claim], kind: type[V]) -> Answers[V]:
    """For work that only one at a time can do for a key, because it holds a lock; `keep_answers` must follow it in the
    same transaction."""
    failpoints.hit("before_claim", kind.__name__)
    found = await session.execute(
        text(
            "SELECT scope, key, request_hash, answer FROM idempotency_keys"
            " JOIN unnest(CAST(:scopes AS text[]), CAST(:keys AS text[])) AS n (scope, key) USING (scope, key)"
        ),
        {"scopes": [claim.scope for claim in claims], "keys": [claim.key for claim in claims]},
    )
    answers = Answers[V]()
    for used in found:
        answers.add(Claim(used.scope, used.key, used.request_hash), kind.model_validate_json(used.answer))
    failpoints.hit("after_claim", kind.__name__)
    return answers


COLUMNS = {"scope": "text", "key": "text", "request_hash": "bytea", "answer": "text"}


def row(claim: Claim, answer: BaseModel) -> dict[str, Any]:
    """A key that was used, as a row, for the statement that writes what was done."""
    return {
        "scope": claim.scope,
        "key": claim.key,
        "request_hash": claim.request_hash,
        "answer": answer.model_dump_json(),
    }


_USED = Rows("used", COLUMNS)
_INSERT = text(f"INSERT INTO idempotency_keys ({', '.join(COLUMNS)}) SELECT * FROM {_USED}")  # noqa: S608


async def keep_answers(session: AsyncSession, given: Sequence[tuple[Claim, BaseModel]]) -> None:
    """Use up the keys of what was done; one that somebody else has used meanwhile is an error."""
    await session.execute(_INSERT, _USED.parameters(row(claim, answer) for claim, answer in given))
