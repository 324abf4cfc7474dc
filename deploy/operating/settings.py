"""What the operator's commands can be told; where `make up` runs, it is told for them."""

from shared.settings import Settings


class OperatorSettings(Settings):
    broker_url: str
    """Of the broker's user `operator`."""
    orders_database_url: str
    billing_database_url: str
    support_database_url: str
    gateway_database_url: str

    def database_url(self, service: str) -> str:
        """Of the service's own role: what the service may not do, its operator can't either."""
        return str(getattr(self, f"{service}_database_url"))
