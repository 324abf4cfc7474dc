"""The services' books, read part by part, so that the longest ones take no more memory than the shortest."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from operator import attrgetter
from typing import TypeVar

import structlog
from pydantic import RootModel

from gateway.clients import Service, Services
from gateway.reconciliation.differences import Pair
from shared.contracts.base import OrderNumber
from shared.contracts.http.base import Request
from shared.contracts.http.reconciliation import (
    AccountPosition,
    CountsPosition,
    InvoicePosition,
    OrderPosition,
    ShopCountPosition,
)
from shared.errors import Unavailable

PART = 500
NAMED = 100
# Each part of what was told lately goes through all of it.
NAMES = 5_000
# A service that is being started anew costs a long look through the books no more than this.
TRIES = 5

log = structlog.get_logger()
P = TypeVar("P")


class _Which(Request):
    seconds: int | None = None
    after: str | None = None
    number: list[OrderNumber] | None = None
    limit: int = PART


class Books:
    """Read on behalf of an admin. After each part it rests `rest` times as long as reading took."""

    def __init__(self, services: Services, rest: float) -> None:
        self._services, self._rest = services, rest

    async def pairs(self) -> AsyncIterator[Pair]:
        """Every order that orders or billing knows of, by number."""
        orders = self._all(self._services.orders, "/positions", OrderPosition, attrgetter("order_number"))
        invoices = self._all(self._services.billing, "/positions/orders", InvoicePosition, attrgetter("order_number"))
        order, billed = await anext(orders, None), await anext(invoices, None)
        while order or billed:
            number = min(each.order_number for each in (order, billed) if each)
            has_order = order is not None and order.order_number == number
            is_billed = billed is not None and billed.order_number == number
            yield Pair(number, order if has_order else None, billed if is_billed else None)
            if has_order:
                order = await anext(orders, None)
            if is_billed:
                billed = await anext(invoices, None)

    async def look_again(self, numbers: Sequence[str]) -> AsyncIterator[Pair]:
        """These orders, as they are now."""
        for begin in range(0, len(numbers), NAMED):
            begun = time.monotonic()
            named = numbers[begin : begin + NAMED]
            which = _Which(number=list(named))
            orders = await self._part(self._services.orders, "/positions", OrderPosition, which)
            invoices = await self._part(self._services.billing, "/positions/orders", InvoicePosition, which)
            order_of = {order.order_number: order for order in orders}
            billed_of = {billed.order_number: billed for billed in invoices}
            took_seconds = time.monotonic() - begun
            for number in named:
                yield Pair(number, order_of.get(number), billed_of.get(number))
            await asyncio.sleep(took_seconds * self._rest)

    async def told_since(self, since: float) -> list[str]:
        """Orders that orders or billing has told something of since then, by this process's clock, or has yet to: each
        once, by number."""
        orders = await self._told_since(self._services.orders, "/positions/lately", since)
        invoices = await self._told_since(self._services.billing, "/positions/orders/lately", since)
        return sorted({*orders, *invoices})

    async def _told_since(self, service: Service, path: str, since: float) -> list[str]:
        """What is asked for goes further back from part to part, and so always begins at the same moment."""
        names: list[str] = []
        while True:
            seconds, after = math.ceil(time.monotonic() - since), names[-1] if names else None
            part = await self._part(service, path, str, _Which(seconds=seconds, after=after, limit=NAMES))
            names += part
            if len(part) < NAMES:
                return names

    def accounts(self) -> AsyncIterator[AccountPosition]:
        return self._all(self._services.billing, "/positions/accounts", AccountPosition, attrgetter("customer_id"))

    def counts(self) -> AsyncIterator[CountsPosition]:
        return self._all(self._services.support, "/positions/counts", CountsPosition, attrgetter("customer_id"))

    async def shop_count(self) -> ShopCountPosition:
        return await self._services.support.read(ShopCountPosition, "/positions/shop")

    async def _all(self, service: Service, path: str, kind: type[P], key: Callable[[P], object]) -> AsyncIterator[P]:
        after: str | None = None
        while True:
            begun = time.monotonic()
            part = await self._part(service, path, kind, _Which(after=after, limit=PART))
            took_seconds = time.monotonic() - begun
            for position in part:
                yield position
            if len(part) < PART:
                return
            after = str(key(part[-1]))
            await asyncio.sleep(took_seconds * self._rest)

    async def _part(self, service: Service, path: str, kind: type[P], which: _Which) -> list[P]:
        for failed in range(TRIES):
            try:
                return (await service.read(RootModel[list[kind]], path, query=which)).root  # type: ignore[valid-type]
            except Unavailable:
                if failed == TRIES - 1:
                    raise
                log.info("asking again", service=service.name, path=path)
                await asyncio.sleep(1)
        raise AssertionError
