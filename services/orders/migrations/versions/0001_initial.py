"""Customers, orders and items."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_plumbing, grant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    create_plumbing("orders")
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("shipping_address", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("login", name=op.f("uq_customers_login")),
    )
    op.create_index(
        "ix_customers_email",
        "customers",
        [sa.literal_column("lower(email)").label("lowered")],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"lowered": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_customers_name",
        "customers",
        [sa.literal_column("lower(name)").label("lowered")],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"lowered": "gin_trgm_ops"},
    )
    op.create_table(
        "orders",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("delivery_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("shipping_address", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("billing_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_paid_in_full_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status <> 'cancelled' OR total_minor = 0", name=op.f("ck_orders_cancelled_costs_nothing")),
        sa.CheckConstraint(
            "status IN ('awaiting_payment', 'paid', 'in_handling', 'ready_to_ship', 'shipped', 'completed', 'awaiting_additional_payment', 'cancelled')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "delivery_minor >= 0 AND total_minor >= 0 AND paid_minor >= 0", name=op.f("ck_orders_nothing_negative")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_orders_customer_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_customer_id_number", "orders", ["customer_id", "number"], unique=False)
    op.create_index(
        "ix_orders_last_digits",
        "orders",
        [sa.literal_column("reverse(lpad(number::text, 10, '0'))").label("backwards")],
        unique=False,
        postgresql_ops={"backwards": "text_pattern_ops"},
    )
    op.create_index("ix_orders_status_number", "orders", ["status", "number"], unique=False)
    op.create_table(
        "items",
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('awaiting_payment', 'paid', 'price_confirmation', 'ordered', 'received', 'packed', 'shipped', 'completed', 'returned_to_supplier', 'unable_to_deliver', 'cancelled')",
            name=op.f("ck_items_status_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_items_some")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_items_price_not_negative")),
        sa.ForeignKeyConstraint(["order_number"], ["orders.number"], name=op.f("fk_items_order_number")),
        sa.PrimaryKeyConstraint("order_number", "line", name=op.f("pk_items")),
    )
    op.create_table(
        "imported_customers",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_imported_customers_customer_id")),
        sa.PrimaryKeyConstraint("source", "reference", name=op.f("pk_imported_customers")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_imported_customers_customer_id")),
    )
    op.create_table(
        "imported_invoices",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["order_number"], ["orders.number"], name=op.f("fk_imported_invoices_order_number")),
        sa.PrimaryKeyConstraint("source", "reference", name=op.f("pk_imported_invoices")),
        sa.UniqueConstraint("order_number", name=op.f("uq_imported_invoices_order_number")),
    )
    op.create_table(
        "imported_cancellations",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(order_number, refusal) = 1", name=op.f("ck_imported_cancellations_applied_or_refused")
        ),
        sa.ForeignKeyConstraint(
            ["order_number"], ["orders.number"], name=op.f("fk_imported_cancellations_order_number")
        ),
        sa.ForeignKeyConstraint(
            ["source", "reference"],
            ["imported_invoices.source", "imported_invoices.reference"],
            name=op.f("fk_imported_cancellations_source_reference"),
        ),
        sa.PrimaryKeyConstraint("source", "reference", "position", name=op.f("pk_imported_cancellations")),
    )
    grant(
        "orders",
        {
            "customers": "SELECT, INSERT, UPDATE",
            "orders": "SELECT, INSERT, UPDATE",
            "items": "SELECT, INSERT, UPDATE",
            "imported_customers": "SELECT, INSERT",
            "imported_invoices": "SELECT, INSERT",
            "imported_cancellations": "SELECT, INSERT",
        },
    )
