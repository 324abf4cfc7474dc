"""What orders' processes can be told."""

from shared.settings import ApiSettings, DatabaseUrl, Settings, ShopCurrency


class OrdersApiSettings(ApiSettings):
    currency: ShopCurrency = "USD"
    """The shop's money: that of its first day, for good."""


class ImportSettings(Settings):
    """What `purser import` is told."""

    database_url: DatabaseUrl
    """The database of orders."""
    currency: ShopCurrency = "USD"
    """The shop's money: that of its first day, for good."""
