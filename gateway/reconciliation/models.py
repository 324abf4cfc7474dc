"""What was found, and when the books were looked through."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from gateway.accounts.models import Base


class Finding(Base):
    """Something that does not add up; it stays, resolved, when it does."""

    __tablename__ = "findings"
    __table_args__ = (
        Index("uq_findings_open", "subject", "kind", unique=True, postgresql_where=text("resolved_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    resolved_at: Mapped[datetime | None]


class Round(Base):
    """One look through all the books; one that broke off has no end."""

    __tablename__ = "rounds"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    made_by: Mapped[str]
    begun_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    positions: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
