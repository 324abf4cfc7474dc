"""Run by Alembic."""

from services.orders.importer import register  # noqa: F401  its tables belong to the schema too
from services.orders.models import Base
from shared.migrations import run_environment

run_environment(Base.metadata)
