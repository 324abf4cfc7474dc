"""Finds the people who ordered, or makes them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.importer.checking import Line
from services.orders.importer.register import ImportedCustomer
from services.orders.importer.report import Batch
from services.orders.models.customer import Customer
from shared import outbox
from shared.contracts.orders import CustomerRegistered
from shared.ids import new_id


def who(line: Line) -> str:
    """Who ordered, by their number there; an invoice without one is a guest's, one guest for each invoice."""
    return f"Customer {line.customer}" if line.customer else f"Guest {line.invoice}"


async def find_or_make(session: AsyncSession, source: str, firsts: Sequence[Line], batch: Batch) -> dict[str, UUID]:
    """The ids of the customers, as `who` calls them; tells of those who are new."""
    wanted = {who(line): line for line in firsts}
    found = await session.execute(
        select(ImportedCustomer.reference, ImportedCustomer.customer_id).where(
            ImportedCustomer.source == source, ImportedCustomer.reference.in_(wanted)
        )
    )
    ids = {row.reference: row.customer_id for row in found}
    missing = [line for name, line in wanted.items() if name not in ids]
    made = await _make(session, source, missing) if missing else {}
    batch.customers += len(made)
    return ids | made


async def _make(session: AsyncSession, source: str, lines: Sequence[Line]) -> dict[str, UUID]:
    rows = [_row(line) for line in lines]
    added = upsert(Customer).values(rows).on_conflict_do_nothing().returning(Customer.id)
    free = set((await session.scalars(added)).all())
    for row in rows:
        if row["id"] not in free:
            # Somebody else has this login: they keep it, and are not to be given these orders.
            # An id begins with the time, and ends by chance.
            row["login"] = f"{row['login']}.{row['id'].hex[-8:]}"
            row["email"] = _email(row["login"])
            await session.execute(insert(Customer).values(row))
    ids = {row["name"]: row["id"] for row in rows}
    references = [{"source": source, "reference": name, "customer_id": id_} for name, id_ in ids.items()]
    await session.execute(insert(ImportedCustomer), references)
    now = datetime.now(UTC)
    await outbox.record_all(
        session, [CustomerRegistered(customer_id=row["id"], login=row["login"], version=1, at=now) for row in rows]
    )
    return ids


def _row(line: Line) -> dict[str, Any]:
    # What a login may have, and no more of it than leaves room for what makes it unlike another.
    login = re.sub(r"[^a-z0-9._+-]+", "-", who(line).lower())[:80]
    return {
        "id": new_id(),
        "login": login,
        "name": who(line),
        "phone": "",
        "email": _email(login),
        "shipping_address": line.address,
    }


def _email(login: str) -> str:
    # There must be one, and nobody may get what is sent there: RFC 2606 keeps .invalid for this.
    return f"{login}@import.invalid"
