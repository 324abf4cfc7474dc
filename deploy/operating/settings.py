"""What the operator's commands can be told; where `make up` runs, it is told for them."""

from shared.settings import BrokerUrl, DatabaseUrl, Settings


class OperatorSettings(Settings):
    broker_url: BrokerUrl
    """RabbitMQ, with the broker's user `operator`."""
    orders_database_url: DatabaseUrl
    """The database of orders, with the service's own role."""
    billing_database_url: DatabaseUrl
    """The database of billing, with the service's own role."""
    support_database_url: DatabaseUrl
    """The database of support, with the service's own role."""
    gateway_database_url: DatabaseUrl
    """The database of the gateway, with its own role."""

    def database_url(self, service: str) -> str:
        """Of the service's own role: what the service may not do, its operator can't either."""
        return str(getattr(self, f"{service}_database_url"))
