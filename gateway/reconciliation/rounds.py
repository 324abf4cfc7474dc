"""One look through all the books.

Orders and billing tell each other what happens by events, so that for a moment they always differ. What differs is
looked at again after `settle_seconds`, and counts only where neither side has changed in between: news on its way would
have changed one of them.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.clients import Services
from gateway.reconciliation import differences, findings
from gateway.reconciliation.books import Books
from gateway.reconciliation.differences import Found, Pair
from shared.db import Database

SETTLE_SECONDS = 60.0
# An order that is changed at every look is in somebody's hands; the next round sees it again.
SETTLES = 3
# So many are looked at again together, and remembered meanwhile.
MOST_SUSPECTS = 5_000


@dataclass
class Looking:
    """A round as it goes: what was looked at, and what was found."""

    database: Database
    services: Services
    settle_seconds: float = SETTLE_SECONDS
    rest: float = 0
    tell: Callable[["Looking"], None] = lambda _: None
    positions: int = 0
    waiting_for: int = 0

    def __post_init__(self) -> None:
        self.books = Books(self.services, self.rest)

    async def run(self) -> None:
        """Look through everything, keep what is found, resolve what is gone. One that breaks off resolves nothing."""
        async with self.database.transaction() as session:
            begun = await findings.begin_round(session, self.services.caller.login)
        await self._certain()
        moving = await self._orders()
        async with self.database.transaction() as session:
            await findings.end_round(session, begun, self.positions, moving)

    async def look_at_the_latest(self, since: float) -> None:
        """Look at what was told since then, by `time.monotonic`, and again at the orders that were found: quicker than
        all books are."""
        await self._drop_what_adds_up()
        told = await self.books.told_since(since)
        await self._settle({pair.number: pair async for pair in self.books.look_again(told) if pair.differences()})

    async def _drop_what_adds_up(self) -> None:
        async with self.database.transaction() as session:
            found = {
                (each.subject, each.kind) for each in await findings.list_open_about_orders(session, MOST_SUSPECTS)
            }
        numbers = sorted({subject for subject, _ in found})
        async for pair in self.books.look_again(numbers):
            found -= {(each.subject, each.kind.value) for each in pair.differences()}
        if found:
            async with self.database.transaction() as session:
                await findings.resolve(session, found)

    async def _certain(self) -> None:
        """What one service kept and counted in one statement is off, or is not."""
        async for account in self.books.accounts():
            await self._look(differences.of_account(account))
        async for counts in self.books.counts():
            await self._look(differences.of_counts(counts))
        await self._look(differences.of_shop(await self.books.shop_count()))

    async def _look(self, found: Iterator[Found]) -> None:
        self._looked()
        await self._keep(list(found))

    async def _orders(self) -> set[str]:
        """Gives those that differ, and never rested."""
        moving: set[str] = set()
        suspects: dict[str, Pair] = {}
        async for pair in self.books.pairs():
            self._looked()
            if pair.differences():
                suspects[pair.number] = pair
            if len(suspects) == MOST_SUSPECTS:
                moving |= await self._settle(suspects)
                suspects = {}
        return moving | await self._settle(suspects)

    async def _settle(self, suspects: dict[str, Pair]) -> set[str]:
        for _ in range(SETTLES):
            if not suspects:
                break
            self.waiting_for = len(suspects)
            self.tell(self)
            await asyncio.sleep(self.settle_seconds)
            still: dict[str, Pair] = {}
            async for pair in self.books.look_again(list(suspects)):
                if pair.differences() and pair == suspects[pair.number]:
                    await self._keep(pair.differences())
                elif pair.differences():
                    still[pair.number] = pair
            suspects = still
        self.waiting_for = 0
        return set(suspects)

    async def _keep(self, found: list[Found]) -> None:
        if found:
            async with self.database.transaction() as session:
                await findings.keep(session, found)

    def _looked(self) -> None:
        self.positions += 1
        self.tell(self)
