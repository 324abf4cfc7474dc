"""What the process may die of is counted."""

from shared.migrations import create_suspects

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_suspects("billing")
