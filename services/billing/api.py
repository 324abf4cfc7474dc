"""The process `billing-api`."""

from functools import partial

from fastapi import FastAPI

from services.billing.routes import balances, holds, invoices, positions
from services.billing.routes.asking import pay_alone, pay_together
from services.billing.settings import BillingApiSettings
from shared.batches import Batches
from shared.db import Database
from shared.serving import serve
from shared.settings import load
from shared.telemetry import configure_logging
from shared.web import service_api


def create(settings: BillingApiSettings) -> FastAPI:
    database = Database(settings.database_url)
    return service_api(
        "billing",
        database,
        settings.caller_public_keys,
        # Routes are tried in this order, and most requests are payments.
        [invoices.router, balances.router, holds.router, positions.router],
        currency=settings.currency,
        withdrawals=settings.withdrawals,
        # One at a time: two would be smaller, and come between each other's look and writing.
        payments=Batches(partial(pay_together, database), most=64, alone=partial(pay_alone, database)),
    )


if __name__ == "__main__":
    settings = load(BillingApiSettings)
    configure_logging("billing-api", settings.log_format, settings.log_level)
    serve(create(settings), settings)
