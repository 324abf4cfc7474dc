"""Withdrawals that wait for another person."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import grant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("staff_note", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.Column("released_version", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_holds_amount_positive")),
        sa.CheckConstraint("state IN ('waiting', 'approved', 'refused', 'expired')", name=op.f("ck_holds_state_known")),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name=op.f("ck_holds_decided_at_a_moment")),
        sa.CheckConstraint(
            "(state IN ('approved', 'refused')) = (decided_by IS NOT NULL)", name=op.f("ck_holds_decided_by_somebody")
        ),
        sa.CheckConstraint(
            "state <> 'approved' OR decided_by <> asked_by", name=op.f("ck_holds_approved_by_another_person")
        ),
        sa.CheckConstraint("state <> 'approved' OR decided_at <= expires_at", name=op.f("ck_holds_approved_in_time")),
        sa.CheckConstraint(
            "(state = 'approved') = (transfer_id IS NOT NULL)", name=op.f("ck_holds_approved_with_its_transfer")
        ),
        sa.CheckConstraint(
            "(state IN ('refused', 'expired')) = (released_version IS NOT NULL)", name=op.f("ck_holds_else_released")
        ),
        sa.ForeignKeyConstraint(["customer_id", "currency"], ["accounts.id", "accounts.currency"], name="fk_account"),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"], name=op.f("fk_holds_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sa.UniqueConstraint("customer_id", "begun_version", name=op.f("uq_holds_customer_id_begun_version")),
        sa.UniqueConstraint("customer_id", "released_version", name=op.f("uq_holds_customer_id_released_version")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_holds_transfer_id")),
    )
    op.create_index("ix_holds_waiting", "holds", ["asked_at", "id"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index("ix_holds_due", "holds", ["expires_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index("ix_holds_customer_id_asked_at_id", "holds", ["customer_id", "asked_at", "id"])
    # A customer's withdrawals of the last day are summed up; payments do not enter it.
    op.create_index(
        "ix_transfers_withdrawals", "transfers", ["customer_id", "at"], postgresql_where=sa.text("kind = 'withdrawal'")
    )
    for statement in DECIDED_ONCE.split(";\n\n"):
        op.execute(statement)
    decision = "state, decided_by, decided_at, decision_note, transfer_id, released_version"
    grant("billing", {"holds": f"SELECT, INSERT, UPDATE ({decision})"})


# What was decided stays decided.
DECIDED_ONCE = """
CREATE FUNCTION refuse_another_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the hold % was decided already', OLD.id USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER decided_once BEFORE UPDATE ON holds
FOR EACH ROW WHEN (OLD.state <> 'waiting') EXECUTE FUNCTION refuse_another_decision()
"""
