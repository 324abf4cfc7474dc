"""Run by Alembic."""

import gateway.reconciliation.models  # noqa: F401
from gateway.accounts.models import Base
from shared.migrations import run_environment

run_environment(Base.metadata)
