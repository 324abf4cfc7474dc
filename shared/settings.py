"""Settings come from the environment, `PURSER_...`, or from files of these names; what is missing, bad or unknown stops
the start with a clear line.

All of them: docs/settings.md.
"""

import os
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Le
from iso4217 import Currency
from pydantic import AfterValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

PREFIX = "PURSER_"
# Marks on a process rather than settings: who started it (deploy/local/processes.py), and a test's (failpoints.py).
MARKS = {"PURSER_HOME", "PURSER_FAILPOINTS"}
# Where a container is given what nobody else may know: a file for each setting, `purser_database_url` and so on.
SECRETS = Path("/run/secrets")


@dataclass(frozen=True)
class Form:
    """What a setting must be, in words, where its type does not say so."""

    words: str


def _known_currency(code: str) -> str:
    return str(Currency(code).value)


def _readable(url: str) -> str:
    """Else the port would be found to be none only when it is used, in a traceback that shows what stands there."""
    make_url(url)
    return url


_KEY = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
ShopCurrency = Annotated[str, AfterValidator(_known_currency), Form("a currency of ISO 4217, such as USD")]
Port = Annotated[int, Field(ge=1, le=65535)]
DatabaseUrl = Annotated[
    str,
    Field(pattern=r"^postgresql\+asyncpg://\S+/\S+$", repr=False),
    AfterValidator(_readable),
    Form("postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE"),
]
BrokerUrl = Annotated[str, Field(pattern=r"^amqps?://\S+$", repr=False), Form("amqp://USER:PASSWORD@HOST:PORT/VHOST")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]\S*$"), Form("http://HOST:PORT")]
PrivateKey = Annotated[str, Field(pattern=f"^{_KEY}$", repr=False), Form("Ed25519, base64 of the raw 32 bytes")]
PublicKeys = Annotated[
    str,
    Field(pattern=f"^{_KEY}(,{_KEY})*$"),
    Form("Ed25519, base64 of the raw 32 bytes; several with commas between them"),
]


class Settings(BaseSettings):
    """What every process can be told."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, use_attribute_docstrings=True
    )

    log_format: Literal["json", "text"] = "json"
    """How a line of the log is written."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is less than this is not logged."""


class ServerSettings(Settings):
    """What a process that answers HTTP can be told."""

    host: str = "127.0.0.1"
    """The address of this machine at which it answers; 0.0.0.0 for all of them."""
    port: Port
    """Where it answers."""
    listen_fd: Annotated[int, Field(ge=0)] = 0
    """An open socket, inherited from whoever starts it, at which it answers as well: the next one that inherits it
    takes over from it, and nobody is turned away meanwhile. 0 for none."""
    traces_endpoint: Annotated[HttpUrl, Field(validate_default=False)] = ""
    """An OpenTelemetry collector, which is sent traces (OTLP over HTTP); without it there are none."""
    traces_share: Annotated[float, Field(ge=0, le=1)] = 1
    """Which part of all traces is sent."""


class ApiSettings(ServerSettings):
    """What a service's API can be told."""

    database_url: DatabaseUrl
    """The process's own database."""
    caller_public_keys: PublicKeys
    """The gateway's keys, by which a service knows its word: while it changes, the old and the new one."""


class WorkerSettings(ServerSettings):
    """What a service's worker can be told."""

    database_url: DatabaseUrl
    """The process's own database."""
    broker_url: BrokerUrl
    """RabbitMQ, with the service's own user."""


class MigrationSettings(Settings):
    """What a migration can be told."""

    migration_url: DatabaseUrl
    """The database, with the role that owns its tables; the running service has another one, which owns nothing."""


S = TypeVar("S", bound=Settings)


def load(settings: type[S], *, among_others: bool = False) -> S:
    """Read the settings, or end the process with a line for each that is missing, bad, or none of its own.

    `among_others`: in the shell of a person, who may have set other programs' too.
    """
    complaints = [] if among_others else _unknown(settings)
    try:
        loaded = settings(_secrets_dir=SECRETS if SECRETS.is_dir() else None)
    except ValidationError as invalid:
        complaints += [_complaint(settings, dict(error)) for error in invalid.errors(include_url=False)]
    if not complaints:
        return loaded
    print(*complaints, "See docs/settings.md.", sep="\n", file=sys.stderr)
    sys.exit(2)


def variable(field: str) -> str:
    """The environment's name of a setting."""
    return PREFIX + field.upper()


def allowed(field: FieldInfo) -> str:
    """What a setting must be, in words."""
    for form in field.metadata:
        if isinstance(form, Form):
            return form.words
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    words = {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(kind.__name__, "text")
    least = [f" from {bound.ge}" for bound in field.metadata if isinstance(bound, Ge)]
    most = [f" to {bound.le}" for bound in field.metadata if isinstance(bound, Le)]
    return "".join([words, *least, *most])


def _unknown(settings: type[Settings]) -> list[str]:
    own = list(settings.model_fields)
    given = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    return [_no_setting(name, own) for name in given if name.upper() not in {*map(variable, own), *MARKS}]


def _no_setting(name: str, own: list[str]) -> str:
    similar = get_close_matches(name[len(PREFIX) :].lower(), own, 1)
    has = f"did you mean {variable(similar[0])}?" if similar else f"it has {', '.join(map(variable, own))}."
    return f"{name} is no setting of this process: {has}"


def _complaint(settings: type[Settings], error: dict[str, Any]) -> str:
    name = str(error["loc"][0])
    field = settings.model_fields[name]
    if error["type"] == "missing":
        return f"{variable(name)} is missing. It must be {allowed(field)}: {field.description}"
    given = f" ({error['input']!r})" if field.repr else ""
    return f"{variable(name)} is not right{given}. It must be {allowed(field)}: {field.description}"
