"""Accounts and sessions."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_plumbing, grant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_plumbing("gateway")
    op.create_table(
        "accounts",
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(role = 'customer') = (customer_id IS NOT NULL)", name=op.f("ck_accounts_customer_named")),
        sa.CheckConstraint(
            "role IN ('operator', 'financier', 'admin', 'customer')", name=op.f("ck_accounts_role_known")
        ),
        sa.PrimaryKeyConstraint("login", name=op.f("pk_accounts")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_accounts_customer_id")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["accounts.login"], name=op.f("fk_sessions_login"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_login"), "sessions", ["login"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    grant("gateway", {"accounts": "SELECT, INSERT, UPDATE", "sessions": "SELECT, INSERT, DELETE"})
