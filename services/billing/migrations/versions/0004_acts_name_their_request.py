"""An act of staff names the request it was done by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("acts", sa.Column("correlation_id", sa.Text(), nullable=True))
