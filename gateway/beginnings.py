"""How things stand when streams begin. All browsers may come back at one time: each service is asked for many customers
at once, and while it answers, the others wait for the next question."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import RootModel

from gateway.clients import Clients, Service
from gateway.news import Snapshot
from shared.auth import Caller, Role
from shared.batches import Batches
from shared.contracts.http.base import Request
from shared.contracts.http.billing import BalanceView
from shared.contracts.http.orders import NewestOrders
from shared.contracts.http.support import ShopCounts, TicketCounts

CUSTOMERS_AT_ONCE = 100
# Any of the staff may see how every customer stands, and this one do nothing about money.
ASKING = Caller("purser", Role.OPERATOR)

V = TypeVar("V", BalanceView, TicketCounts, NewestOrders)


class _Whose(Request):
    customer_id: list[UUID]


class Beginnings:
    """The first thing that each stream tells; a part whose service does not answer is missing."""

    def __init__(self, clients: Clients) -> None:
        services = clients.on_behalf_of(ASKING)
        self._balances = _Part(services.billing, "/balances", BalanceView)
        self._counts = _Part(services.support, "/ticket-counts/of-customers", TicketCounts)
        self._orders = _Part(services.orders, "/newest-orders", NewestOrders)
        self._shop_counts = _ShopCounts(services.support)

    async def of(self, caller: Caller) -> Snapshot:
        if caller.customer_id is None:
            shop_counts = await self._shop_counts.get()
            return Snapshot(shop_counts=shop_counts, unavailable=[] if shop_counts else ["support"])
        balance, counts, newest = await asyncio.gather(
            self._balances.of(caller.customer_id),
            self._counts.of(caller.customer_id),
            self._orders.of(caller.customer_id),
        )
        parts = {"billing": balance, "support": counts, "orders": newest}
        return Snapshot(
            balance=balance,
            ticket_counts=counts,
            orders=newest and newest.orders,
            unavailable=[name for name, part in parts.items() if part is None],
        )


class _Part(Generic[V]):
    """What one service says of customers."""

    def __init__(self, service: Service, path: str, view: type[V]) -> None:
        self._service, self._path = service, path
        self._view: type[RootModel[list[V]]] = RootModel[list[view]]  # type: ignore[valid-type]
        self._questions: Batches[UUID, dict[UUID, V]] = Batches(self._ask, most=CUSTOMERS_AT_ONCE)

    async def of(self, customer_id: UUID) -> V | None:
        """What it says of this one, if it says anything."""
        return (await self._questions.ask(customer_id)).get(customer_id)

    async def _ask(self, customer_ids: Sequence[UUID]) -> list[dict[UUID, V]]:
        """For each who waits the whole answer, empty where there is none."""
        whose = _Whose(customer_id=sorted(set(customer_ids)))
        answer = await self._service.part(lambda: self._service.read(self._view, self._path, query=whose))
        said = {each.customer_id: each for each in answer.root} if answer else {}
        return [said] * len(customer_ids)


class _ShopCounts:
    """What support says of all customers together, which is the same to all of the staff."""

    def __init__(self, support: Service) -> None:
        self._support = support
        self._questions = Batches(self._ask, most=sys.maxsize)

    async def get(self) -> ShopCounts | None:
        [counts] = await self._questions.ask(None)
        return counts

    async def _ask(self, asked: Sequence[None]) -> list[list[ShopCounts | None]]:
        """For each who waits a list of one: None alone would be no answer."""
        return [[await self._support.part(lambda: self._support.read(ShopCounts, "/ticket-counts"))]] * len(asked)
