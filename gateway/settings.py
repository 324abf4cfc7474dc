"""What the gateway can be told."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter

from shared.settings import BrokerUrl, DatabaseUrl, Form, PrivateKey, ServerSettings, Settings

_URL = TypeAdapter(HttpUrl)


def _urls(told: str) -> str:
    for url in told.split(","):
        _URL.validate_python(url.strip())
    return told


ServiceUrls = Annotated[str, AfterValidator(_urls), Form("http://HOST:PORT, or several with commas between them")]


def _networks(told: str) -> str:
    for each in filter(None, told.split(",")):
        ip_network(each.strip())
    return told


class ReconcileSettings(Settings):
    """What `purser reconcile` is told: how to reach the services, and the gateway's own database."""

    database_url: DatabaseUrl
    """The gateway's own database."""
    caller_private_key: PrivateKey
    """With it the gateway vouches to the services for who asks."""
    orders_url: ServiceUrls
    """Where orders' API answers; behind a name all hosts that it has."""
    billing_url: ServiceUrls
    """Where billing's API answers; behind a name all hosts that it has."""
    support_url: ServiceUrls
    """Where support's API answers; behind a name all hosts that it has."""


class GatewaySettings(ServerSettings, ReconcileSettings):
    broker_url: BrokerUrl
    """RabbitMQ, with the service's own user."""
    password_secret: Annotated[str, Field(min_length=32, repr=False), Form("text of 32 characters or more")]
    """Every gateway's alike: from it come the passwords that it makes, so that a request that is sent again is shown
    the same one. Whoever has it and reads the gateway's database can find out new passwords."""
    reconcile_minutes: Annotated[float, Field(ge=0)] = 60
    """How often all books are looked through; 0 for never."""
    live_streams: Annotated[int, Field(ge=1)] = 10_000
    """How many browsers may listen to this process; each is an open file and about 6 KiB."""
    cookie_secure: bool = True
    """False only where browsers reach the gateway by plain HTTP on another address than localhost."""
    trusted_proxies: Annotated[
        str, AfterValidator(_networks), Form("addresses or networks, several with commas between them")
    ] = ""
    """The reverse proxies before the gateway: whom they pass on is read from their `X-Forwarded-For`, and is the one
    who counts for the limits of signing in. Anybody else's is not believed."""
    customer_payments_per_minute: Annotated[int, Field(ge=1)] = 60
    """How often a customer may pay, in each process of the gateway; staff are not counted."""
    sites: Annotated[Path, Form("a folder")] = Path(__file__).parents[1] / "web" / "dist"
    """The folder into which the sites were built."""


class BootstrapSettings(Settings):
    """What `python -m gateway.accounts.bootstrap` can be told."""

    database_url: DatabaseUrl
    """The gateway's own database."""
