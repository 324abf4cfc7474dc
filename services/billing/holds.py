"""The table of withdrawals that wait. What must never be, the database refuses: see the constraints."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.billing.models import Base
from shared.contracts.billing import HoldChanged
from shared.contracts.http.billing import HoldState


class Hold(Base):
    """A withdrawal that waits until another person approves it, and what became of it.

    The service may write the decision, once, and change nothing else (migration 0002).
    """

    __tablename__ = "holds"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id", "currency"], ["accounts.id", "accounts.currency"], name="fk_account"),
        CheckConstraint("amount_minor > 0", "amount_positive"),
        CheckConstraint("state IN ('waiting', 'approved', 'refused', 'expired')", "state_known"),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", "decided_at_a_moment"),
        CheckConstraint("(state IN ('approved', 'refused')) = (decided_by IS NOT NULL)", "decided_by_somebody"),
        CheckConstraint("state <> 'approved' OR decided_by <> asked_by", "approved_by_another_person"),
        CheckConstraint("state <> 'approved' OR decided_at <= expires_at", "approved_in_time"),
        CheckConstraint("(state = 'approved') = (transfer_id IS NOT NULL)", "approved_with_its_transfer"),
        CheckConstraint("(state IN ('refused', 'expired')) = (released_version IS NOT NULL)", "else_released"),
        UniqueConstraint("transfer_id"),
        UniqueConstraint("customer_id", "begun_version"),
        UniqueConstraint("customer_id", "released_version"),
        Index("ix_holds_waiting", "asked_at", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_holds_due", "expires_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_holds_customer_id_asked_at_id", "customer_id", "asked_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    note: Mapped[str | None]
    staff_note: Mapped[str | None]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    begun_version: Mapped[int]
    state: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("transfers.id"))
    released_version: Mapped[int | None]

    def told(self) -> HoldChanged:
        """The news of it, as it is now: it changes once, by its decision."""
        return HoldChanged(
            hold_id=self.id,
            customer_id=self.customer_id,
            amount_minor=self.amount_minor,
            currency=self.currency,
            state=HoldState(self.state),
            version=1 if self.is_waiting else 2,
            at=self.decided_at or self.asked_at,
        )

    def facts(self) -> dict[str, str | int | None]:
        """What every act on it says."""
        return {
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "asked_by": self.asked_by,
            "hold_id": str(self.id),
        }

    @property
    def is_waiting(self) -> bool:
        return self.state == HoldState.WAITING

    def approve(self, decided_by: str, at: datetime, note: str | None, transfer_id: UUID) -> None:
        self.state, self.transfer_id = HoldState.APPROVED.value, transfer_id
        self.decided_by, self.decided_at, self.decision_note = decided_by, at, note

    def give_up(
        self, state: HoldState, decided_by: str | None, at: datetime, note: str | None, released_version: int
    ) -> None:
        self.state, self.released_version = state.value, released_version
        self.decided_by, self.decided_at, self.decision_note = decided_by, at, note
