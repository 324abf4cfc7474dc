"""Customers are found by any part of their login without reading the others."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import concurrently

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with concurrently():
        op.drop_index("ix_customers_login", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            "ix_customers_login",
            "customers",
            [sa.literal_column("lower(login)").label("lowered")],
            postgresql_concurrently=True,
            postgresql_using="gin",
            postgresql_ops={"lowered": "gin_trgm_ops"},
        )
        # Until it is known what stands in it, a search for what is rare reads every customer.
        op.execute("ANALYZE customers")
