"""Staff who withdraw, and those who must approve it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.approve_withdrawal import approve_withdrawal
from services.billing.commands.expire_withdrawal import expire_withdrawal
from services.billing.commands.refuse_withdrawal import refuse_withdrawal
from services.billing.commands.request_withdrawal import request_withdrawal
from services.billing.settings import WithdrawalRule
from shared.auth import Caller, Role
from shared.contracts.http.billing import Decide, HoldView, MoneyMoved, MoveMoney
from shared.db import Database
from tests.billing.conftest import FINANCIER, Customer

LIMIT = 1_000
RULE = WithdrawalRule(LIMIT, approval_days=7)
BOSS = Caller("boss", Role.ADMIN)


@dataclass
class Till:
    """Withdraws from one customer's balance, up to `LIMIT` at once; `owner` is the database as its owner has it."""

    customer: Customer
    owner: Database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self.customer.database.transaction() as session:
            yield session

    async def withdraw(self, amount_minor: int, caller: Caller = FINANCIER) -> MoneyMoved | HoldView:
        wanted = MoveMoney(amount_minor=amount_minor, currency="USD", note="To the bank", staff_note="Asked by phone")
        async with self.transaction() as session:
            return (await request_withdrawal(session, caller, self.customer.id, wanted, "USD", RULE)).root

    async def hold(self, amount_minor: int, caller: Caller = FINANCIER) -> HoldView:
        waits = await self.withdraw(amount_minor, caller)
        assert isinstance(waits, HoldView)
        return waits

    async def approve(self, hold: HoldView, caller: Caller = BOSS) -> HoldView:
        async with self.transaction() as session:
            return await approve_withdrawal(session, caller, hold.id, Decide(note="Seen the contract"))

    async def refuse(self, hold: HoldView, caller: Caller = BOSS) -> HoldView:
        async with self.transaction() as session:
            return await refuse_withdrawal(session, caller, hold.id, Decide())

    async def expire(self) -> bool:
        async with self.transaction() as session:
            return await expire_withdrawal(session)

    async def money(self) -> tuple[int, int]:
        """Balance and held."""
        [row] = await self.rows("SELECT balance_minor, held_minor FROM accounts WHERE id = :customer_id")
        return row["balance_minor"], row["held_minor"]

    async def state(self, hold: HoldView) -> str:
        [row] = await self.rows("SELECT state FROM holds WHERE id = :hold_id", hold_id=hold.id)
        return str(row["state"])

    async def rows(self, query: str, **values: object) -> list[Any]:
        async with self.transaction() as session:
            found = await session.execute(text(query), {"customer_id": self.customer.id, **values})
            return [row._mapping for row in found]

    async def turn_clock(self, **back: int) -> None:
        """As if all there is had happened so much earlier: only the tables' owner can make it so."""
        values = {"id": self.customer.id, "back": timedelta(**back)}
        async with self.owner.transaction() as session:
            for statement in (
                "UPDATE transfers SET at = at - CAST(:back AS interval) WHERE customer_id = :id",
                "UPDATE holds SET expires_at = expires_at - CAST(:back AS interval)"
                " WHERE customer_id = :id AND state = 'waiting'",
            ):
                await session.execute(text(statement), values)
