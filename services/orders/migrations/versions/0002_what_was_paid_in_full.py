"""Which items a payment in full has covered, whenever it is heard of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("paid_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("items", sa.Column("raised_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    # Until now what became dearer waited, and the rest stayed paid: that was so in version 1 and is not in a later one.
    op.execute("UPDATE orders SET paid_version = 1 WHERE first_paid_in_full_at IS NOT NULL")
    op.execute(
        "UPDATE items SET raised_version = 2 FROM orders WHERE orders.number = order_number AND paid_version > 0"
        " AND items.status IN ('awaiting_payment', 'price_confirmation')"
    )
