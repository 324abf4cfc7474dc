"""Every act of staff is written down in its own transaction: who, when, what, why, and by which request."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Caller
from shared.contracts.http.base import ActView
from shared.rows import Rows
from shared.telemetry import current_id

MOST_ACTS = 100
COLUMNS = {
    "login": "text",
    "role": "text",
    "act": "text",
    "subject": "text",
    "note": "text",
    "details": "jsonb",
    "correlation_id": "text",
}
_SHOWN = ", ".join(("at", *COLUMNS))
_DONE = Rows("done", COLUMNS)
_INSERT = text(f"INSERT INTO acts ({', '.join(COLUMNS)}) SELECT * FROM {_DONE}")  # noqa: S608


async def record_act(
    session: AsyncSession, caller: Caller, act: str, subject: str, note: str | None = None, **details: str | int | None
) -> None:
    """Write down what staff did to `subject` (an order's number, a customer's id); customers' doings are not acts.

    A detail that they changed stands there as it is now, and as `<name>_before`.
    """
    if caller.is_staff:
        await session.execute(_INSERT, _DONE.parameters([row(caller, act, subject, note, **details)]))


def row(caller: Caller, act: str, subject: str, note: str | None = None, **details: str | int | None) -> dict[str, Any]:
    """An act of staff as a row, for a statement that writes what they did, too."""
    return {
        "login": caller.login,
        "role": caller.role.value,
        "act": act,
        "subject": subject,
        "note": note,
        "details": json.dumps(details),
        "correlation_id": current_id(),
    }


async def list_acts(session: AsyncSession, subject: str) -> list[ActView]:
    """The newest acts on `subject`, newest first."""
    return await _list(session, "subject = :subject", MOST_ACTS, subject=subject)


async def list_acts_on_order(session: AsyncSession, number: str, customer_id: UUID) -> list[ActView]:
    """The newest acts on an order, and those on its customer's money that were for it, newest first."""
    condition = "subject = :number OR subject = :customer AND details ->> 'order_number' = :number"
    return await _list(session, condition, MOST_ACTS, number=number, customer=str(customer_id))


async def list_acts_called(session: AsyncSession, acts: Sequence[str], limit: int) -> list[ActView]:
    """The newest acts of these names on whatever subject, newest first."""
    return await _list(session, "act = ANY(:acts)", limit, acts=list(acts))


async def _list(session: AsyncSession, condition: str, limit: int, **named: object) -> list[ActView]:
    statement = f"SELECT {_SHOWN} FROM acts WHERE {condition} ORDER BY id DESC LIMIT :most"  # noqa: S608
    rows = await session.execute(text(statement), {**named, "most": limit})
    return [ActView.model_validate(dict(row._mapping)) for row in rows]
