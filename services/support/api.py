"""The process `support-api`."""

from functools import partial

from fastapi import FastAPI

from services.support.routes import router, say_together
from shared.batches import Batches
from shared.db import Database
from shared.serving import serve
from shared.settings import ApiSettings, load
from shared.telemetry import configure_logging
from shared.web import service_api


def create(settings: ApiSettings) -> FastAPI:
    database = Database(settings.database_url)
    return service_api(
        "support",
        database,
        settings.caller_public_keys,
        [router],
        sayings=Batches(partial(say_together, database), most=64),
    )


if __name__ == "__main__":
    settings = load(ApiSettings)
    configure_logging("support-api", settings.log_format, settings.log_level)
    serve(create(settings), settings)
