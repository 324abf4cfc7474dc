"""How transfers are sealed: each seal is a hash over the one before and over what it covers, so that nothing that was
sealed can change, vanish, or come in between, without every later seal being wrong.

A seal names what it covers, one transfer by one, because transfers become visible in another order than their times or
ids. Of each transfer it keeps four bytes, by which the one that was changed can be named.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, LargeBinary, Row, Uuid, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.billing.models import Base

GENESIS = bytes(32)
EVER = datetime(1970, 1, 1, tzinfo=UTC)
MARK_BYTES = 4


class Seal(Base):
    """Covers some transfers. The service may insert seals, never change or delete one."""

    __tablename__ = "seals"
    __table_args__ = (
        CheckConstraint("number > 0", "counted_from_one"),
        CheckConstraint(
            f"cardinality(customers) = cardinality(versions) AND length(marks) = {MARK_BYTES} * cardinality(versions)",
            "whole",
        ),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    """All that had been committed by then is covered by the seals before."""
    made_at: Mapped[datetime]
    transfers: Mapped[int]
    """How many this seal and all before it cover."""
    customers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    versions: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    marks: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    @property
    def head(self) -> str:
        """What to keep outside of the database: all that this seal and those before it cover can be held against it."""
        return f"{self.number}:{self.hash.hex()}"

    def hash_after(self, previous: bytes, digests: Iterable[bytes]) -> bytes:
        """What its hash must be, if the transfers that it names have these digests."""
        moments = [moment.astimezone(UTC).isoformat() for moment in (self.since, self.made_at)]
        sealed = hashlib.sha256(f"{self.number} {self.transfers} {moments}".encode() + previous)
        for customer, version, digest in zip(self.customers, self.versions, digests, strict=True):
            sealed.update(customer.bytes + version.to_bytes(8, "big") + digest)
        return sealed.digest()

    def mark(self, position: int) -> bytes:
        return self.marks[position * MARK_BYTES : (position + 1) * MARK_BYTES]


class SealedAccount(Base):
    """How far an account's transfers are sealed: the sealer's own note, which proves nothing."""

    __tablename__ = "sealed_accounts"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]


def digest(transfer: str) -> bytes:
    return hashlib.sha256(transfer.encode()).digest()


@dataclass(frozen=True)
class Unsealed:
    """A transfer that no seal covers, or, without a text, an account that has none up to this version."""

    account_id: UUID
    account_version: int
    version: int | None
    text: str | None
    kind: str | None
    currency: str | None
    amount_minor: int | None


# A transfer as text is every column that is not null, by name: one that is added later changes no old transfer.
_UNSEALED = """
    SELECT b.id AS account_id, b.version AS account_version, t.account_version AS version,
           jsonb_strip_nulls(to_jsonb(t))::text AS text, t.kind, t.currency, t.amount_minor
    FROM (
        SELECT a.id, a.version, coalesce(s.version, 0) AS sealed
        FROM accounts a LEFT JOIN sealed_accounts s ON s.account_id = a.id
        WHERE a.kind = 'customer' AND a.id > :after AND a.version > coalesce(s.version, 0)
        ORDER BY a.id LIMIT :limit
    ) b
    LEFT JOIN transfers t
        ON t.customer_id = b.id AND t.account_version > b.sealed AND t.account_version <= b.version
    ORDER BY b.id, t.account_version LIMIT :limit
"""


_COVERED = """
    SELECT t.id, t.at, jsonb_strip_nulls(to_jsonb(t))::text AS text
    FROM unnest(CAST(:customers AS uuid[]), CAST(:versions AS bigint[])) WITH ORDINALITY AS e(customer_id, version, n)
    LEFT JOIN transfers t ON t.customer_id = e.customer_id AND t.account_version = e.version
    ORDER BY e.n
"""


async def list_unsealed(session: AsyncSession, after: UUID, limit: int) -> list[Unsealed]:
    """By account, those after `after`, and in the order of its versions, of which none can still be on its way: whoever
    makes a version holds the account until it is committed."""
    await _speak_plainly(session)
    rows = await session.execute(text(_UNSEALED), {"after": after, "limit": limit})
    return [Unsealed(**row._mapping) for row in rows]


async def list_covered(session: AsyncSession, seal: Seal) -> Sequence[Row[tuple[object, ...]]]:
    """What a seal covers, as it is now (id, at, text), in the seal's order; nulls where it is gone."""
    await _speak_plainly(session)
    return (await session.execute(text(_COVERED), {"customers": seal.customers, "versions": seal.versions})).all()


async def find_next(session: AsyncSession, number: int) -> Seal | None:
    """The seal after this one, as far as there is one."""
    return await session.scalar(select(Seal).where(Seal.number > number).order_by(Seal.number).limit(1))


async def find_newest(session: AsyncSession) -> Seal | None:
    return await session.scalar(select(Seal).order_by(Seal.number.desc()).limit(1))


async def get_time(session: AsyncSession) -> datetime:
    """The database's."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def _speak_plainly(session: AsyncSession) -> None:
    """A moment's text must not depend on where the database or its user lives."""
    await session.execute(text("SELECT set_config('timezone', 'UTC', true)"))
