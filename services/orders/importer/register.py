"""What an import has brought, by its number there: nothing is taken twice, whoever runs it, however often."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.orders.importer.checking import Line
from services.orders.models.base import Base


class ImportedCustomer(Base):
    """Who a customer is there: two sources may both have a customer 17850."""

    __tablename__ = "imported_customers"

    source: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), unique=True)


class ImportedInvoice(Base):
    """An invoice that was taken: the order made of it, none where it is a cancellation. `content`: see `digest`."""

    __tablename__ = "imported_invoices"

    source: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    order_number: Mapped[int | None] = mapped_column(ForeignKey("orders.number"), unique=True)


class ImportedCancellation(Base):
    """What became of a cancellation's line: applied to an order, or refused, and then so for good."""

    __tablename__ = "imported_cancellations"
    __table_args__ = (
        ForeignKeyConstraint(["source", "reference"], ["imported_invoices.source", "imported_invoices.reference"]),
        CheckConstraint("num_nonnulls(order_number, refusal) = 1", "applied_or_refused"),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_number: Mapped[int | None] = mapped_column(ForeignKey("orders.number"))
    refusal: Mapped[str | None]


def digest(lines: Sequence[Line]) -> bytes:
    """By this an invoice is known again: who bought how many of what at which price."""
    said = [(line.customer, line.sku, line.quantity, line.price_minor) for line in lines]
    return hashlib.sha256(repr(said).encode()).digest()


async def hold(session: AsyncSession, source: str) -> None:
    """Two imports of one source take turns, transaction by transaction."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('import of ' || :source))"), {"source": source})


async def find_known(session: AsyncSession, source: str, references: Sequence[str]) -> dict[str, ImportedInvoice]:
    """Those of them that were taken before."""
    wanted = select(ImportedInvoice).where(ImportedInvoice.source == source, ImportedInvoice.reference.in_(references))
    return {known.reference: known for known in await session.scalars(wanted)}


async def list_cancellations(session: AsyncSession, source: str, reference: str) -> Sequence[ImportedCancellation]:
    """What became of each line of a cancellation."""
    wanted = select(ImportedCancellation).where(
        ImportedCancellation.source == source, ImportedCancellation.reference == reference
    )
    return (await session.scalars(wanted.order_by(ImportedCancellation.position))).all()
