"""The process `support-api`."""

from fastapi import FastAPI

from services.support.routes import router
from shared.db import Database
from shared.serving import serve
from shared.settings import ApiSettings, load
from shared.telemetry import configure_logging
from shared.web import service_api


def create(settings: ApiSettings) -> FastAPI:
    return service_api("support", Database(settings.database_url), settings.caller_public_keys, [router])


if __name__ == "__main__":
    settings = load(ApiSettings)
    configure_logging("support-api", settings.log_format, settings.log_level)
    serve(create(settings), settings)
