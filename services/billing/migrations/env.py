"""Run by Alembic."""

import services.billing.holds
import services.billing.seals  # noqa: F401
from services.billing.models import Base
from shared.migrations import run_environment

run_environment(Base.metadata)
