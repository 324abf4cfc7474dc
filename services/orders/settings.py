"""What orders' processes can be told."""

from shared.settings import ApiSettings, Settings, ShopCurrency


class OrdersApiSettings(ApiSettings):
    currency: ShopCurrency = "USD"


class ImportSettings(Settings):
    """What `purser import` is told."""

    database_url: str
    currency: ShopCurrency = "USD"
