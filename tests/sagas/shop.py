"""The commands of orders and of billing, on databases of their own where nothing else listens."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.move_money import move_money
from services.orders.commands.place_order import place_order
from services.orders.commands.register_customer import register_customer
from shared.auth import Caller, Role
from shared.contracts.base import Event
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.contracts.http.billing import MoveMoney, TransferKind
from shared.contracts.http.orders import NewItem, PlaceOrder, RegisterCustomer
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderPlaced
from shared.db import Database

STAFF = Caller("admin", Role.ADMIN)
CROSSING: dict[str, type[Event]] = {
    event.routing_key: event for event in (OrderPlaced, OrderAmended, OrderCancelled, OrderPaid, OrderRefunded)
}


@dataclass(frozen=True)
class Shop:
    """Where the two services keep what they know."""

    orders: Database
    billing: Database

    async def customer(self, balance_minor: int = 0) -> UUID:
        """Somebody of one's own, with a balance."""
        login = f"s-{uuid4().hex[:12]}"
        wanted = RegisterCustomer(login=login, name=login, email=f"{login}@example.org", shipping_address="Here")
        async with self.orders.transaction() as session:
            customer_id = (await register_customer(session, STAFF, wanted)).id
        if balance_minor:
            await self.deposit(customer_id, balance_minor)
        return customer_id

    async def deposit(self, customer_id: UUID, amount_minor: int) -> None:
        await self._move(TransferKind.DEPOSIT, customer_id, amount_minor)

    async def withdraw(self, customer_id: UUID, amount_minor: int) -> None:
        await self._move(TransferKind.WITHDRAWAL, customer_id, amount_minor)

    async def _move(self, kind: TransferKind, customer_id: UUID, amount_minor: int) -> None:
        wanted = MoveMoney(amount_minor=amount_minor, currency="USD")
        async with self.billing.transaction() as session:
            await move_money(session, STAFF, customer_id, kind, wanted, "USD")

    async def place(self, customer_id: UUID, *items: tuple[int, int]) -> str:
        """An order of these (quantity, price)."""
        wanted = PlaceOrder(
            customer_id=customer_id,
            currency="USD",
            shipping_address="Here",
            items=[
                NewItem(sku=f"S{line}", title=f"Thing {line}", quantity=quantity, unit_price_minor=price_minor)
                for line, (quantity, price_minor) in enumerate(items, 1)
            ],
        )
        async with self.orders.transaction() as session:
            return (await place_order(session, STAFF, wanted, "USD")).number


async def told(session: AsyncSession, number: str) -> Sequence[Event]:
    """What a service has recorded to tell of an order and the other one listens to, oldest first."""
    return list((await told_by_id(session, number)).values())


async def told_by_id(session: AsyncSession, number: str) -> dict[UUID, Event]:
    rows = await session.execute(
        text(
            "SELECT event_id, routing_key, body FROM outbox"
            " WHERE aggregate IN ('order', 'invoice') AND subject = :n AND routing_key = ANY(:keys) ORDER BY version"
        ),
        {"n": number, "keys": list(CROSSING)},
    )
    return {row.event_id: CROSSING[row.routing_key].model_validate_json(row.body) for row in rows}
