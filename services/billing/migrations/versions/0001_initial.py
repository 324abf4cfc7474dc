"""Accounts, transfers and invoices."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_plumbing, grant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_plumbing("billing")
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "kind = 'customer' OR (balance_minor = 0 AND version = 0)",
            name=op.f("ck_accounts_only_customers_carry_a_balance"),
        ),
        sa.CheckConstraint("kind IN ('customer', 'cash', 'sales')", name=op.f("ck_accounts_kind_known")),
        sa.CheckConstraint("balance_minor <= 9007199254740991", name=op.f("ck_accounts_balance_exact_in_json")),
        sa.CheckConstraint(
            "held_minor >= 0 AND balance_minor - held_minor >= 0", name=op.f("ck_accounts_never_overdrawn")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("id", "currency", name=op.f("uq_accounts_id_currency")),
    )
    op.create_table(
        "invoices",
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("order_version", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("first_paid_in_full_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("NOT cancelled OR total_minor = 0", name=op.f("ck_invoices_cancelled_costs_nothing")),
        sa.CheckConstraint(
            "paid_minor >= 0 AND paid_minor <= total_minor", name=op.f("ck_invoices_never_more_than_the_total")
        ),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_invoices_total_not_negative")),
        sa.PrimaryKeyConstraint("order_number", name=op.f("pk_invoices")),
    )
    op.create_table(
        "transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("account_version", sa.BigInteger(), nullable=False),
        sa.Column("debit_account", sa.Uuid(), nullable=False),
        sa.Column("credit_account", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("balance_after_minor", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("order_version", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("staff_note", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint(
            "(kind IN ('deposit', 'refund')) = (customer_id = credit_account)", name=op.f("ck_transfers_direction")
        ),
        sa.CheckConstraint(
            "(kind IN ('payment', 'refund')) = (order_number IS NOT NULL)", name=op.f("ck_transfers_order_named")
        ),
        sa.CheckConstraint(
            "kind IN ('deposit', 'withdrawal', 'payment', 'refund')", name=op.f("ck_transfers_kind_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_transfers_amount_positive")),
        sa.CheckConstraint(
            "customer_id IN (debit_account, credit_account)", name=op.f("ck_transfers_customer_on_one_side")
        ),
        sa.CheckConstraint("debit_account <> credit_account", name=op.f("ck_transfers_two_accounts")),
        sa.ForeignKeyConstraint(["credit_account", "currency"], ["accounts.id", "accounts.currency"], name="fk_credit"),
        sa.ForeignKeyConstraint(["debit_account", "currency"], ["accounts.id", "accounts.currency"], name="fk_debit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("customer_id", "account_version", name=op.f("uq_transfers_customer_id_account_version")),
    )
    op.create_index(
        "ix_transfers_order_number",
        "transfers",
        ["order_number"],
        unique=False,
        postgresql_where=sa.text("order_number IS NOT NULL"),
    )
    op.create_index(
        "uq_transfers_one_refund_per_order_version",
        "transfers",
        ["order_number", "order_version"],
        unique=True,
        postgresql_where=sa.text("kind = 'refund'"),
    )
    grant(
        "billing",
        {
            "accounts": "SELECT, INSERT, UPDATE",
            # History is append-only: a correction is a transfer of its own.
            "transfers": "SELECT, INSERT",
            "invoices": "SELECT, INSERT, UPDATE",
        },
    )
