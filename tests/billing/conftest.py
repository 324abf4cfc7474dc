"""A customer with money and an order to pay, told as the orders service would tell it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
from sqlalchemy import text

from services.billing import api
from services.billing.commands.move_money import move_money
from services.billing.commands.update_invoice import update_invoice
from services.billing.settings import BillingApiSettings
from shared.auth import Caller, Role
from shared.contracts.http.billing import MoneyMoved, MoveMoney, PayForOrder, PaymentView, TransferKind
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderFacts, OrderPlaced, OrderStatus
from shared.db import Database
from tests.client import Client
from tests.installation import Installation, settings
from tests.payments import pay

FINANCIER = Caller("fin", Role.FINANCIER)
OPERATOR = Caller("oper", Role.OPERATOR)
_numbers = count(uuid4().int % 10**9)


@dataclass
class Customer:
    """Speaks to billing's commands, each in a transaction of its own."""

    database: Database
    id: UUID = field(default_factory=uuid4)

    @property
    def caller(self) -> Caller:
        return Caller(f"customer-{self.id}", Role.CUSTOMER, self.id)

    async def move(self, kind: TransferKind, amount_minor: int, **more: str) -> MoneyMoved:
        wanted = MoveMoney(amount_minor=amount_minor, currency="USD", **more)
        async with self.database.transaction() as session:
            return await move_money(session, FINANCIER, self.id, kind, wanted, "USD")

    async def deposit(self, amount_minor: int, **more: str) -> MoneyMoved:
        return await self.move(TransferKind.DEPOSIT, amount_minor, **more)

    async def withdraw(self, amount_minor: int) -> MoneyMoved:
        return await self.move(TransferKind.WITHDRAWAL, amount_minor)

    async def pay(self, order_number: str, caller: Caller = FINANCIER, **wanted: int) -> PaymentView:
        async with self.database.transaction() as session:
            return await pay(session, caller, order_number, PayForOrder(**wanted))

    def order(
        self, total_minor: int, version: int = 1, number: str = "", cancelled: bool = False, currency: str = "USD"
    ) -> OrderFacts:
        """What the orders service tells: placed at version 1, amended (line 2) or cancelled afterwards."""
        facts = {
            "order_number": number or f"ORD-{next(_numbers):010d}",
            "customer_id": self.id,
            "status": OrderStatus.CANCELLED if cancelled else OrderStatus.AWAITING_PAYMENT,
            "currency": currency,
            "total_minor": 0 if cancelled else total_minor,
            "paid_minor": 0,
            "remaining_minor": total_minor,
            "version": version,
            "at": datetime.now(UTC),
        }
        if cancelled:
            return OrderCancelled(**facts)
        return OrderPlaced(**facts) if version == 1 else OrderAmended(**facts, line=2)

    async def hear(self, *told: OrderFacts) -> str:
        for order in told:
            async with self.database.transaction() as session:
                await update_invoice(session, order, getattr(order, "line", None))
        return told[0].order_number

    async def figures(self, order_number: str) -> dict[str, object]:
        """The invoice, the balance, and the transfers made for the order."""
        async with self.database.transaction() as session:
            invoice = await session.execute(
                text("SELECT total_minor, paid_minor, order_version, cancelled FROM invoices WHERE order_number = :n"),
                {"n": order_number},
            )
            balance = await session.scalar(text("SELECT balance_minor FROM accounts WHERE id = :id"), {"id": self.id})
            transfers = await session.execute(
                text(
                    "SELECT kind, amount_minor, order_version, line FROM transfers WHERE order_number = :n"
                    " ORDER BY account_version"
                ),
                {"n": order_number},
            )
            return {
                **invoice.one()._mapping,
                "balance_minor": balance,
                "transfers": [tuple(row) for row in transfers],
            }


@pytest.fixture(scope="session")
def installation(installation_of_parts: Installation) -> Installation:
    """One in which nobody relays what these tests record."""
    return installation_of_parts


@pytest.fixture(scope="session")
async def billing(installation: Installation) -> AsyncIterator[Database]:
    database = Database(installation.database_url("billing"), pool_size=20)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def owner(installation: Installation) -> AsyncIterator[Database]:
    """Who may do to the tables what the service may not."""
    database = Database(installation.database_url("billing", owner=True), pool_size=2)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def client(installation: Installation, billing: Database) -> AsyncIterator[Client]:
    app = api.create(
        settings(
            BillingApiSettings,
            database_url=installation.database_url("billing"),
            caller_public_keys=installation.public_key,
        )
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://billing") as http:
        yield Client(http, installation, "billing", FINANCIER)
    await app.state.database.close()


@pytest.fixture
def customer(billing: Database) -> Customer:
    return Customer(billing)
