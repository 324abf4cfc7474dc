"""What the gateway can be told."""

from pathlib import Path

from shared.settings import ServerSettings, Settings


class GatewaySettings(ServerSettings):
    database_url: str
    broker_url: str
    caller_private_key: str
    """Ed25519, base64 of the raw 32 bytes: with it the gateway vouches to the services for who asks."""
    orders_url: str
    billing_url: str
    support_url: str
    cookie_secure: bool = True
    """False only where browsers reach the gateway by plain HTTP on another address than localhost."""
    sites: Path = Path(__file__).parents[1] / "web" / "dist"
    """The folder into which the sites were built."""


class BootstrapSettings(Settings):
    """What `python -m gateway.accounts.bootstrap` can be told."""

    database_url: str
