"""What staff tried to do with money, and were refused, is written down too."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import queries
from shared.acts import record_act
from shared.auth import Caller


async def note_refusal(
    session: AsyncSession, caller: Caller, tried: str, code: str, named: Mapping[str, str], wanted: Mapping[str, Any]
) -> None:
    """An act on the customer whose money it would have been; `named` is what the address names, `wanted` the body."""
    await record_act(
        session,
        caller,
        "refused",
        await _whose(session, named),
        wanted.get("staff_note") or wanted.get("note"),
        tried=tried,
        code=code,
        amount_minor=wanted.get("amount_minor"),
        currency=wanted.get("currency"),
        **{name: value for name, value in named.items() if name != "customer_id"},
    )


async def _whose(session: AsyncSession, named: Mapping[str, str]) -> str:
    """The customer's id, or what was named where that is nobody's."""
    if "customer_id" in named:
        return named["customer_id"]
    hold_id = UUID(named["hold_id"]) if "hold_id" in named else None
    owner = await queries.find_owner(session, named.get("order_number"), hold_id)
    return str(owner or next(iter(named.values())))
