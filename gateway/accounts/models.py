"""The gateway's tables."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), str: Text}


class Account(Base):
    """Who may sign in. Without a password (an imported customer) nobody can."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("role IN ('operator', 'financier', 'admin', 'customer')", "role_known"),
        CheckConstraint("(role = 'customer') = (customer_id IS NOT NULL)", "customer_named"),
    )

    login: Mapped[str] = mapped_column(primary_key=True)
    password_hash: Mapped[str | None]
    role: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(unique=True)
    disabled: Mapped[bool] = mapped_column(server_default=text("false"))
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Session(Base):
    """Somebody is signed in. The token itself is not kept: who reads this table can't use it."""

    __tablename__ = "sessions"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(ForeignKey("accounts.login", ondelete="CASCADE"), index=True)
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
