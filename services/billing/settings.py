"""What billing's processes can be told."""

from shared.settings import ApiSettings, ShopCurrency


class BillingApiSettings(ApiSettings):
    currency: ShopCurrency = "USD"
