"""Orders' API and database, and somebody who orders."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
from sqlalchemy import text

from services.orders import api
from services.orders.commands.mark_orders_paid import mark_orders_paid_held
from services.orders.settings import OrdersApiSettings
from shared.auth import Caller, Role
from shared.contracts.billing import InvoiceFacts, OrderPaid, OrderRefunded
from shared.db import Database
from shared.inbox import Heard
from tests.client import Client
from tests.installation import Installation, settings
from tests.orders.imports import Shop

OPERATOR = Caller("oper", Role.OPERATOR)


@pytest.fixture(scope="session")
def installation(installation_of_parts: Installation) -> Installation:
    """One in which nobody relays what these tests record."""
    return installation_of_parts


@pytest.fixture(scope="session")
async def orders(installation: Installation) -> AsyncIterator[Database]:
    database = Database(installation.database_url("orders"), pool_size=20)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def client(installation: Installation) -> AsyncIterator[Client]:
    urls = {"database_url": installation.database_url("orders"), "caller_public_keys": installation.public_key}
    app = api.create(settings(OrdersApiSettings, **urls))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://orders") as http:
        yield Client(http, installation, "orders", OPERATOR)
    await app.state.database.close()


@dataclass
class Customer:
    """A customer of one's own, and staff who do things to their orders."""

    client: Client
    database: Database
    id: UUID
    login: str

    @property
    def caller(self) -> Caller:
        return Caller(self.login, Role.CUSTOMER, self.id)

    async def place(self, *prices_minor: int, quantity: int = 1, delivery_minor: int = 0) -> str:
        items = [
            {"sku": f"S{n}", "title": f"Thing {n}", "quantity": quantity, "unit_price_minor": price}
            for n, price in enumerate(prices_minor, 1)
        ]
        body = {
            "customer_id": str(self.id),
            "currency": "USD",
            "delivery_minor": delivery_minor,
            "shipping_address": "Here",
            "items": items,
        }
        answer = await self.client.ask("POST", "/orders", body, caller=self.caller)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["number"])

    async def page(self, number: str, caller: Caller = OPERATOR) -> Any:
        answer = await self.client.ask("GET", f"/orders/{number}", caller=caller)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def amend(self, number: str, line: int, **wanted: object) -> httpx.Response:
        return await self.client.ask("PATCH", f"/orders/{number}/items/{line}", wanted, caller=OPERATOR)

    async def told(self, number: str) -> list[tuple[str, int]]:
        """What orders has recorded to tell of an order, as (event, version)."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                text(
                    "SELECT routing_key, version FROM outbox WHERE subject = :n UNION ALL"
                    " SELECT routing_key, version FROM outbox_archive WHERE subject = :n ORDER BY version"
                ),
                {"n": number},
            )
            return [(row.routing_key.split(".")[1], row.version) for row in rows]

    def fact(
        self, number: str, version: int, paid_minor: int, *, full_at: datetime | None = None, refund: bool = False
    ) -> InvoiceFacts:
        """Billing's word that so much is paid now."""
        common: dict[str, Any] = {
            "order_number": number,
            "customer_id": self.id,
            "transfer_id": uuid4(),
            "amount_minor": 1,
            "currency": "USD",
            "total_minor": 0,
            "paid_minor": paid_minor,
            "remaining_minor": 0 if full_at else 1,
            "order_version": 1,
            "first_paid_in_full_at": full_at,
            "version": version,
            "at": datetime.now(UTC),
        }
        return OrderRefunded(**common, line=None) if refund else OrderPaid(**common)

    async def hear(self, *facts: InvoiceFacts) -> None:
        for fact in facts:
            async with self.database.transaction() as session:
                await mark_orders_paid_held(session, [(uuid4(), Heard(fact))])

    async def pay(self, number: str) -> None:
        """Billing says that all of it is paid, for the first time."""
        total_minor = (await self.page(number))["total_minor"]
        await self.hear(self.fact(number, 1, total_minor, full_at=datetime.now(UTC)))


@pytest.fixture
async def customer(client: Client, orders: Database) -> Customer:
    login = f"o-{uuid4().hex[:12]}"
    body = {"login": login, "name": f"Name {login}", "email": f"{login}@example.org", "shipping_address": "Here"}
    made = await client.ask("POST", "/customers", body, caller=OPERATOR)
    assert made.status_code == 201, made.text
    return Customer(client, orders, UUID(made.json()["id"]), login)


@pytest.fixture
def shop(orders: Database) -> Shop:
    return Shop(orders)
