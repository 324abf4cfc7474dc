"""Run by Alembic."""

from services.support.models import Base
from shared.migrations import run_environment

run_environment(Base.metadata)
