"""What the gateway can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter

from shared.settings import ServerSettings, Settings

_URL = TypeAdapter(HttpUrl)


def _urls(told: str) -> str:
    for url in told.split(","):
        _URL.validate_python(url.strip())
    return told


ServiceUrls = Annotated[str, AfterValidator(_urls)]


class ReconcileSettings(Settings):
    """What `purser reconcile` is told: how to reach the services, and the gateway's own database."""

    database_url: str
    caller_private_key: str
    """Ed25519, base64 of the raw 32 bytes: with it the gateway vouches to the services for who asks."""
    orders_url: ServiceUrls
    """One address, or several with commas between them; behind a name all hosts that it has."""
    billing_url: ServiceUrls
    support_url: ServiceUrls


class GatewaySettings(ServerSettings, ReconcileSettings):
    broker_url: str
    reconcile_minutes: Annotated[float, Field(ge=0)] = 60
    """How often all books are looked through; 0 for never."""
    live_streams: Annotated[int, Field(ge=1)] = 10_000
    """How many browsers may listen to this process; each is an open file and about 80 KiB."""
    cookie_secure: bool = True
    """False only where browsers reach the gateway by plain HTTP on another address than localhost."""
    sites: Path = Path(__file__).parents[1] / "web" / "dist"
    """The folder into which the sites were built."""


class BootstrapSettings(Settings):
    """What `python -m gateway.accounts.bootstrap` can be told."""

    database_url: str
