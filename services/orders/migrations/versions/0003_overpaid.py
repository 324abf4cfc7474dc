"""Orders for which more is paid than they cost are found without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_orders_overpaid", "orders", ["number"], postgresql_where=sa.text("paid_minor > total_minor"))
