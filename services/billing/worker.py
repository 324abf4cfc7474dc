"""The process `billing-worker`."""

from fastapi import FastAPI

from services.billing.commands.expire_withdrawal import expire_withdrawal
from services.billing.consumers import reactions
from services.billing.queries import count_untold_payments
from services.billing.sealer import keep_sealing
from shared.db import Database
from shared.serving import serve
from shared.settings import WorkerSettings, load
from shared.telemetry import configure_logging
from shared.worker import service_worker


def create(settings: WorkerSettings) -> FastAPI:
    database = Database(settings.database_url)
    return service_worker(
        "billing",
        database,
        settings.database_url,
        settings.broker_url,
        reactions,
        expire_withdrawal,
        also=[keep_sealing],
        unsettled=count_untold_payments,
    )


if __name__ == "__main__":
    settings = load(WorkerSettings)
    configure_logging("billing-worker", settings.log_format, settings.log_level)
    serve(create(settings), settings)
