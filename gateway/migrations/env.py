"""Run by Alembic."""

from gateway.accounts.models import Base
from shared.migrations import run_environment

run_environment(Base.metadata)
