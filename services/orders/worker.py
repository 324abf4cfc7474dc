"""The process `orders-worker`."""

from fastapi import FastAPI

from services.orders.consumers import reactions
from services.orders.queries import count_overpaid
from shared.db import Database
from shared.serving import serve
from shared.settings import WorkerSettings, load
from shared.telemetry import configure_logging
from shared.worker import service_worker


def create(settings: WorkerSettings) -> FastAPI:
    database = Database(settings.database_url)
    return service_worker(
        "orders", database, settings.database_url, settings.broker_url, reactions, unsettled=count_overpaid
    )


if __name__ == "__main__":
    settings = load(WorkerSettings)
    configure_logging("orders-worker", settings.log_format, settings.log_level)
    serve(create(settings), settings)
