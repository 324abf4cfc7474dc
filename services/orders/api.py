"""The process `orders-api`."""

from fastapi import FastAPI

from services.orders.routes import router
from services.orders.settings import OrdersApiSettings
from shared.db import Database
from shared.serving import serve
from shared.settings import load
from shared.telemetry import configure_logging
from shared.web import service_api


def create(settings: OrdersApiSettings) -> FastAPI:
    database = Database(settings.database_url)
    return service_api("orders", database, settings.caller_public_keys, [router], currency=settings.currency)


if __name__ == "__main__":
    settings = load(OrdersApiSettings)
    configure_logging("orders-api", settings.log_format, settings.log_level)
    serve(create(settings), settings)
