"""What the process may die of is counted."""

from shared.migrations import create_suspects

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_suspects("orders")
