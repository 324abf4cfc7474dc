"""What `make up` can be told, and what it tells its demonstration."""

from typing import Annotated

from pydantic import Field

from shared.settings import HttpUrl, Port, Settings, ShopCurrency

Password = Annotated[str, Field(repr=False)]


class UpSettings(Settings):
    """What `make up` is told by the shell of whoever calls it; billing's rules for withdrawals are passed on."""

    port: Port = 8000
    """Where the gateway answers, or the next port above it that is free."""
    currency: Annotated[ShopCurrency, Field(validate_default=False)] = ""
    """The shop's money, at its first start; USD by itself."""
    demo_password: Password = ""
    """The password of all demonstration logins, from now on; by itself each has one of its own."""


class DemonstrationSettings(Settings):
    """What `python -m deploy.demo` is told."""

    url: HttpUrl
    """Where the gateway answers."""
    demo_admin_password: Password
    """Of the login `admin`."""
    demo_financier_password: Password
    """Of the login `financier`."""
    demo_customer_password: Password
    """Of the demonstration's customers."""
