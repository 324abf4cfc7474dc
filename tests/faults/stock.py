"""Orders to be paid, and orders that are paid, to be cancelled: what a payment and a refund are tried on."""

import asyncio
import time

from deploy.local.keeper import START_SECONDS
from tests.faults.clients import Clients
from tests.faults.history import Operation, Outcome
from tests.faults.judge import Evidence
from tests.faults.quiet import quiet
from tests.faults.system import PrivatePurser

AT_ONCE = 24
PRICE_MINOR = 100
UNLIKE = "SELECT number FROM orders WHERE number = $1 AND (status, paid_minor) <> ($2, $3)"


class Stock:
    """All of one customer; whoever dies meanwhile is asked again until there is an answer."""

    def __init__(self, purser: PrivatePurser, clients: Clients, evidence: Evidence) -> None:
        self.purser, self.clients, self.evidence = purser, clients, evidence
        self.customer = clients.customers[0]
        self._unpaid: list[str] = []
        self._paid: list[str] = []

    async def deposit(self, amount_minor: int) -> None:
        path = f"/api/admin/customers/{self.customer.id}/deposits"
        await self._insist("deposit", "financier", path, {"amount_minor": amount_minor, "currency": "USD"})

    async def unpaid(self) -> str:
        if not self._unpaid:
            self._unpaid = list(await asyncio.gather(*(self._place() for _ in range(AT_ONCE))))
            await quiet(self.purser, self.evidence)
        return self._unpaid.pop()

    async def paid(self) -> str:
        if not self._paid:
            numbers = [await self.unpaid() for _ in range(AT_ONCE // 2)]
            await asyncio.gather(*map(self.pay, numbers))
            await quiet(self.purser, self.evidence)
        return self._paid.pop()

    async def pay(self, number: str) -> None:
        await self._insist("pay", self.customer.login, f"/api/portal/orders/{number}/payments", {})
        self._paid.append(number)

    async def cancel(self, number: str) -> None:
        path = f"/api/admin/orders/{number}/cancellation"
        await self._insist("cancel", "operator", path, {"reason": "changed plans"})

    async def is_settled(self, number: str, cancelled: bool) -> bool:
        """Whether the order has heard of its payment, or of its refund."""
        end = ("cancelled", 0) if cancelled else ("paid", PRICE_MINOR)
        return not await self.evidence.rows("orders", UNLIKE, int(number.removeprefix("ORD-")), *end)

    async def _place(self) -> str:
        item = {"sku": "S", "title": "Thing", "quantity": 1, "unit_price_minor": PRICE_MINOR}
        body = {"currency": "USD", "delivery_minor": 0, "shipping_address": "Here", "items": [item]}
        placed = await self._insist("place", self.customer.login, "/api/portal/orders", body)
        return str(placed.answer["number"])

    async def _insist(self, kind: str, login: str, path: str, body: dict[str, object]) -> Operation:
        operation = self.clients.history.invoke(kind, login, "POST", path, body)
        end = time.monotonic() + START_SECONDS
        while operation.outcome is Outcome.UNKNOWN and time.monotonic() < end:
            await self.clients.perform(operation)
        assert operation.outcome is Outcome.OK, operation
        return operation
