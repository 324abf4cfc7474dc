"""Transfers that were committed are sealed, many at a time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import seals
from services.billing.seals import GENESIS, Seal, SealedAccount, Unsealed
from shared import outbox
from shared.contracts.billing import LedgerSealed

AT_ONCE = 1_000


@dataclass(frozen=True)
class Sealed:
    """What one step has sealed, if anything: how much of each kind and currency; `next` is where the next one begins,
    None at the end."""

    seal: Seal | None
    next: UUID | None
    moved_minor: Counter[tuple[str, str]] = field(default_factory=Counter)


async def seal_transfers(session: AsyncSession, after: UUID, since: datetime) -> Sealed:
    """Seal some of the accounts after `after`; all that was committed before `since` is known to be sealed.

    Sealers take turns: each step continues the newest seal.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger sealer'))"))
    unsealed = await seals.list_unsealed(session, after, AT_ONCE)
    if not unsealed:
        return Sealed(None, None)
    full = len(unsealed) == AT_ONCE
    await _note(session, unsealed, full)
    entries = [each for each in unsealed if each.text is not None]
    seal = await _seal(session, since, entries) if entries else None
    # The last account may have more: it is looked at again.
    return Sealed(seal, UUID(int=unsealed[-1].account_id.int - 1) if full else None, _moved_minor(entries))


def _moved_minor(entries: Sequence[Unsealed]) -> Counter[tuple[str, str]]:
    moved = Counter[tuple[str, str]]()
    for each in entries:
        moved[each.kind or "", each.currency or ""] += each.amount_minor or 0
    return moved


async def _note(session: AsyncSession, unsealed: list[Unsealed], full: bool) -> None:
    """How far each account is sealed now; the last one of a full step up to its last transfer in it."""
    upto = {account: list(several)[-1] for account, several in groupby(unsealed, lambda each: each.account_id)}
    last = unsealed[-1].account_id
    rows = [
        {
            "account_id": account,
            "version": (each.version if full and account == last else None) or each.account_version,
        }
        for account, each in upto.items()
    ]
    noted = insert(SealedAccount)
    await session.execute(
        noted.on_conflict_do_update(index_elements=["account_id"], set_={"version": noted.excluded.version}), rows
    )


async def _seal(session: AsyncSession, since: datetime, entries: list[Unsealed]) -> Seal:
    previous = await seals.find_newest(session)
    digests = [seals.digest(each.text or "") for each in entries]
    seal = Seal(
        number=previous.number + 1 if previous else 1,
        since=max(since, previous.since) if previous else since,
        made_at=await seals.get_time(session),
        transfers=(previous.transfers if previous else 0) + len(entries),
        customers=[each.account_id for each in entries],
        versions=[each.version for each in entries],
        marks=b"".join(digest[: seals.MARK_BYTES] for digest in digests),
    )
    seal.hash = seal.hash_after(previous.hash if previous else GENESIS, digests)
    session.add(seal)
    await session.flush()
    await outbox.record(session, _told(seal))
    return seal


def _told(seal: Seal) -> LedgerSealed:
    return LedgerSealed(
        ledger="transfers", transfers=seal.transfers, hash=seal.hash.hex(), version=seal.number, at=seal.made_at
    )
