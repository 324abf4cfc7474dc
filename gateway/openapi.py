"""Writes the gateway's interface down: `python -m gateway.openapi`."""

import base64
import json

from gateway.app import create
from gateway.settings import GatewaySettings


def document() -> dict[str, object]:
    """The OpenAPI document, as /openapi.json answers it; nothing is connected to for that."""
    settings = GatewaySettings(
        port=1,
        database_url="postgresql+asyncpg://nowhere/none",
        broker_url="amqp://nowhere",
        caller_private_key=base64.b64encode(bytes(32)).decode(),
        password_secret="none" * 8,
        orders_url="http://nowhere",
        billing_url="http://nowhere",
        support_url="http://nowhere",
    )
    return create(settings).openapi()


if __name__ == "__main__":
    print(json.dumps(document(), indent=2))
