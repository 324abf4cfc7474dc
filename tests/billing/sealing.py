"""A ledger that is sealed, and spoiled."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from services.billing.sealer import seal_all
from services.billing.seals import GENESIS, Seal, digest
from services.billing.verifier.checking import verify
from shared.db import Database
from tests.billing.conftest import Customer

FIRST = "(SELECT min(id::text)::uuid FROM accounts WHERE kind = 'customer')"


@dataclass
class Ledger:
    """A ledger of one's own: three customers with five transfers each, sealed four at a time."""

    database: Database
    admin: Database

    async def tamper(self, *statements: str, **values: object) -> Any:
        """As a superuser, whom no right, no trigger and no reference holds up."""
        async with self.admin.transaction() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                result: Any = await session.execute(text(statement), values)
            return result.all() if result.returns_rows else None

    async def pay_in(self) -> None:
        for _ in range(3):
            customer = Customer(self.database)
            for amount_minor in range(1, 6):
                await customer.deposit(amount_minor)

    async def seal(self) -> str:
        """Seal everything; gives the head."""
        await seal_all(self.database)
        verified = await verify(self.database, {})
        assert verified.flaws == []
        assert verified.newest is not None
        return verified.newest.head

    async def flaws(self, *heads: str) -> list[str]:
        kept = {int(head.partition(":")[0]): head.partition(":")[2] for head in heads}
        return (await verify(self.database, kept)).flaws

    async def write_anew(self) -> None:
        """Every seal over what is there now, as somebody would who knows how seals are made."""
        previous = GENESIS
        for (number,) in await self.tamper("SELECT number FROM seals ORDER BY number"):
            async with self.admin.transaction() as session:
                await session.execute(text("SELECT set_config('timezone', 'UTC', true)"))
                seal = await session.get_one(Seal, number)
                covered = "seals, unnest(customers, versions) WITH ORDINALITY AS e(c, v, n)"
                texts = await session.scalars(
                    text(
                        f"SELECT jsonb_strip_nulls(to_jsonb(t))::text FROM {covered}"
                        " JOIN transfers t ON customer_id = c AND account_version = v"
                        " WHERE number = :number ORDER BY n"
                    ),
                    {"number": number},
                )
                digests = [digest(each) for each in texts]
                seal.marks = b"".join(each[:4] for each in digests)
                seal.hash = previous = seal.hash_after(previous, digests)
