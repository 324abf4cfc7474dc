"""Settings come from the environment, `PURSER_...`; a missing or bad one stops the start with a clear line."""

import sys
from typing import Annotated, Literal, TypeVar

from iso4217 import Currency
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


def _known_currency(code: str) -> str:
    return str(Currency(code).value)


ShopCurrency = Annotated[str, AfterValidator(_known_currency)]


class Settings(BaseSettings):
    """What every process can be told."""

    model_config = SettingsConfigDict(env_prefix="PURSER_", frozen=True)

    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class ServerSettings(Settings):
    """What a process that answers HTTP can be told."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]


class ApiSettings(ServerSettings):
    """What a service's API can be told."""

    database_url: str
    caller_public_keys: str
    """The gateway's Ed25519 public keys, base64 of the raw 32 bytes, comma between the old and the new one."""


class WorkerSettings(ServerSettings):
    """What a service's worker can be told."""

    database_url: str
    broker_url: str


class MigrationSettings(Settings):
    """What a migration can be told."""

    migration_url: str
    """Of the role that owns the tables; the running service has another one, which owns nothing."""


S = TypeVar("S", bound=Settings)


def load(settings: type[S]) -> S:
    """Read the settings, or end the process with a line for each that is missing or bad."""
    try:
        return settings()
    except ValidationError as invalid:
        for problem in invalid.errors(include_input=False):
            name = "PURSER_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{name}: {problem['msg']}", file=sys.stderr)
        sys.exit(2)
