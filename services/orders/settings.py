"""What orders' processes can be told."""

from shared.settings import ApiSettings, ShopCurrency


class OrdersApiSettings(ApiSettings):
    currency: ShopCurrency = "USD"
