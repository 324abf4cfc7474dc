"""The table of customers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Label, func, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from services.orders.models.base import Base

_TRIGRAMS = {"lowered": "gin_trgm_ops"}


def _lowered(column: str) -> Label[str]:
    return literal_column(f"lower({column})").label("lowered")


class Customer(Base):
    """Somebody who orders."""

    __tablename__ = "customers"
    __table_args__ = (
        # For a search by any part of them.
        Index("ix_customers_name", _lowered("name"), postgresql_using="gin", postgresql_ops=_TRIGRAMS),
        Index("ix_customers_email", _lowered("email"), postgresql_using="gin", postgresql_ops=_TRIGRAMS),
        Index("ix_customers_login", _lowered("login"), postgresql_using="gin", postgresql_ops=_TRIGRAMS),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str]
    shipping_address: Mapped[str]
    registered_at: Mapped[datetime] = mapped_column(server_default=func.now())
