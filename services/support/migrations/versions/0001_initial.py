"""Tickets, messages, counts, and the operations that conversations tell of."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_plumbing, grant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_plumbing("support")
    op.create_table(
        "counts",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("new BETWEEN 0 AND total AND answered BETWEEN 0 AND total", name=op.f("ck_counts_possible")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_counts")),
    )
    op.create_table(
        "operations",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('paid', 'refunded')", name=op.f("ck_operations_kind_known")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_operations_amount_positive")),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_operations")),
    )
    op.create_index("ix_operations_order_number", "operations", ["order_number"], unique=False)
    op.create_table(
        "shop_count",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("new", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("new >= 0", name=op.f("ck_shop_count_new_possible")),
        sa.CheckConstraint("single", name=op.f("ck_shop_count_one_row")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_shop_count")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("customer_seq", sa.BigInteger(), nullable=False),
        sa.Column("staff_seq", sa.BigInteger(), nullable=False),
        sa.Column("read_by_staff_seq", sa.BigInteger(), nullable=False),
        sa.Column("read_by_customer_seq", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.Boolean(), sa.Computed("customer_seq > read_by_staff_seq", persisted=True), nullable=False),
        sa.Column(
            "answered", sa.Boolean(), sa.Computed("staff_seq > read_by_customer_seq", persisted=True), nullable=False
        ),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_tickets_status_known")),
        sa.CheckConstraint(
            "customer_seq BETWEEN 0 AND messages AND staff_seq BETWEEN 0 AND messages AND read_by_staff_seq BETWEEN 0 AND messages AND read_by_customer_seq BETWEEN 0 AND messages",
            name=op.f("ck_tickets_nothing_beyond_the_last_message"),
        ),
        sa.CheckConstraint("subject ~ '\\S'", name=op.f("ck_tickets_has_a_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    op.create_index("ix_tickets_changed_at", "tickets", ["changed_at", "id"], unique=False)
    op.create_index("ix_tickets_customer_id_changed_at", "tickets", ["customer_id", "changed_at", "id"], unique=False)
    op.create_index("ix_tickets_new", "tickets", ["changed_at", "id"], unique=False, postgresql_where=sa.text("new"))
    op.create_index(
        "ix_tickets_order_number",
        "tickets",
        ["order_number"],
        unique=False,
        postgresql_where=sa.text("order_number IS NOT NULL"),
    )
    op.create_table(
        "messages",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_login", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(author = 'system') = (author_login IS NULL)", name=op.f("ck_messages_people_have_logins")),
        sa.CheckConstraint(
            "(author = 'system') = (transfer_id IS NOT NULL)", name=op.f("ck_messages_system_tells_of_money")
        ),
        sa.CheckConstraint("seq > 0", name=op.f("ck_messages_counted_from_one")),
        sa.CheckConstraint("author IN ('customer', 'staff', 'system')", name=op.f("ck_messages_author_known")),
        sa.CheckConstraint("text ~ '\\S'", name=op.f("ck_messages_says_something")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_messages_ticket_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["operations.transfer_id"], name=op.f("fk_messages_transfer_id")),
        sa.PrimaryKeyConstraint("ticket_id", "seq", name=op.f("pk_messages")),
        sa.UniqueConstraint("id", name=op.f("uq_messages_id")),
        sa.UniqueConstraint("ticket_id", "transfer_id", name=op.f("uq_messages_ticket_id_transfer_id")),
    )
    op.execute("INSERT INTO shop_count DEFAULT VALUES")
    grant(
        "support",
        {
            "tickets": "SELECT, INSERT, UPDATE",
            "messages": "SELECT, INSERT",
            "operations": "SELECT, INSERT",
            "counts": "SELECT, INSERT, UPDATE",
            "shop_count": "SELECT, UPDATE",
        },
    )
