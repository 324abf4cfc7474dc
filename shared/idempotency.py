"""One key, one effect: a repeated request gets the first answer again, and moves nothing twice."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import failpoints
from shared.errors import IdempotencyKeyReused

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
