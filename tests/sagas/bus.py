"""Carries what the two services tell each other of one order: late, up to three times, in any order, at once."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from services.orders.commands.mark_orders_paid import mark_orders_paid, mark_orders_paid_held
from shared import inbox
from shared.contracts.base import Event
from shared.contracts.billing import InvoiceFacts
from shared.db import Database
from shared.inbox import Heard
from tests.sagas.acts import hear
from tests.sagas.shop import Shop, told_by_id


@dataclass
class Bus:
    """As the relays, the broker and the workers do it, but for the waiting."""

    shop: Shop
    number: str
    chance: Random
    latest_seconds: float = 0.02
    carried: set[UUID] = field(default_factory=set)
    deliveries: int = 0

    async def carry(self, *people: "asyncio.Task[object]") -> None:
        """Until these people are done, and nothing more is told."""
        under_way: set[asyncio.Task[None]] = set()
        while True:
            all_done = all(person.done() for person in people)
            new = await self._collect()
            under_way |= {asyncio.create_task(self._deliver(*each)) for each in new}
            done = {task for task in under_way if task.done()}
            under_way -= done
            await asyncio.gather(*done)
            if all_done and not new and not under_way and not done:
                return
            await asyncio.sleep(0.002)

    async def _collect(self) -> list[tuple[Database, UUID, Event]]:
        new = []
        for teller, listener in ((self.shop.orders, self.shop.billing), (self.shop.billing, self.shop.orders)):
            async with teller.transaction() as session:
                told = await told_by_id(session, self.number)
            for event_id in told.keys() - self.carried:
                self.carried.add(event_id)
                new += [(listener, event_id, told[event_id])] * self.chance.randint(1, 3)
        return new

    async def _deliver(self, listener: Database, event_id: UUID, event: Event) -> None:
        await asyncio.sleep(self.chance.uniform(0, self.latest_seconds))
        self.deliveries += 1
        if isinstance(event, InvoiceFacts):
            taken = [(event_id, Heard(event))]
            async with listener.autocommit() as session:
                done = await mark_orders_paid(session, taken)
            if not done:
                async with listener.transaction() as session:
                    await mark_orders_paid_held(session, taken)
            return
        async with listener.transaction() as session:
            if await inbox.first_times(session, [event_id]):
                await hear(session, event)
