"""Run by Alembic."""

import services.orders.importer.register
import services.orders.models.order  # noqa: F401
from services.orders.models.base import Base
from shared.migrations import run_environment

run_environment(Base.metadata)
