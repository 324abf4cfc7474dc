"""The process `billing-api`."""

from fastapi import FastAPI

from services.billing.routes import balances, holds, invoices, positions
from services.billing.settings import BillingApiSettings
from shared.db import Database
from shared.serving import serve
from shared.settings import load
from shared.telemetry import configure_logging
from shared.web import service_api


def create(settings: BillingApiSettings) -> FastAPI:
    return service_api(
        "billing",
        Database(settings.database_url),
        settings.caller_public_keys,
        # Routes are tried in this order, and most requests are payments.
        [invoices.router, balances.router, holds.router, positions.router],
        currency=settings.currency,
        withdrawals=settings.withdrawals,
    )


if __name__ == "__main__":
    settings = load(BillingApiSettings)
    configure_logging("billing-api", settings.log_format, settings.log_level)
    serve(create(settings), settings)
