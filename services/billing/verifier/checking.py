"""Goes through all seals, and then through all that no seal covers."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import seals
from services.billing.seals import GENESIS, Seal
from shared.db import Database

# No transaction of Purser's lasts so long that its transfer could be dated earlier than this before it is seen.
AT_WORK = timedelta(minutes=5)
# The sealer looks every few seconds.
UNSEALED = timedelta(hours=1)
MOST = 20

# Of each account: what seals cover, against what is there up to the newest that is covered, or is noted as such.
_BETWEEN = """
    WITH covered AS (
        SELECT customer_id, count(*) AS sealed, count(DISTINCT version) AS different, max(version) AS last
        FROM seals, unnest(customers, versions) AS e(customer_id, version) GROUP BY customer_id
    ), named AS (
        SELECT a.id, a.version, coalesce(c.sealed, 0) AS sealed, coalesce(c.different, 0) AS different,
               greatest(coalesce(c.last, 0), coalesce(s.version, 0)) AS upto
        FROM accounts a LEFT JOIN covered c ON c.customer_id = a.id LEFT JOIN sealed_accounts s ON s.account_id = a.id
        WHERE a.kind = 'customer'
    )
    SELECT named.id, named.sealed, named.different, t.there, t.beyond
    FROM named CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE account_version <= named.upto) AS there,
               count(*) FILTER (WHERE account_version > named.version) AS beyond
        FROM transfers WHERE customer_id = named.id
    ) t
    WHERE named.sealed <> named.different OR named.sealed <> t.there OR t.beyond > 0
    LIMIT :most
"""
_WAITING = """
    SELECT count(t.id) AS transfers, min(t.at) < clock_timestamp() - CAST(:patience AS interval) AS too_old
    FROM accounts a
    LEFT JOIN sealed_accounts s ON s.account_id = a.id
    JOIN transfers t ON t.customer_id = a.id AND t.account_version > coalesce(s.version, 0)
    WHERE a.version > coalesce(s.version, 0)
"""


@dataclass
class Verified:
    """What was gone through, and what is wrong, the first one first."""

    newest: Seal | None = None
    waiting: int = 0
    flaws: list[str] = field(default_factory=list)


async def verify(
    database: Database, heads: Mapping[int, str], tell: Callable[[Seal], None] = lambda _: None
) -> Verified:
    """Hold every transfer against its seal, and the seals against each other and against `heads` (number to hash).

    It ends early where too much is wrong.
    """
    found = Verified()
    async for seal in _seals(database):
        previous, found.newest = found.newest, seal
        tell(seal)
        found.flaws += await _flaws(database, seal, previous)
        if heads.get(seal.number, seal.hash.hex()) != seal.hash.hex():
            found.flaws.append(
                f"Seal {seal.number} is not the one whose head was kept: it, and all after it, were written anew."
            )
        if len(found.flaws) > MOST:
            return found
    last = found.newest.number if found.newest else 0
    found.flaws += [f"Seal {n}, whose head was kept, is gone: the end was cut off." for n in sorted(heads) if n > last]
    async with database.transaction() as session:
        await session.execute(text("SELECT set_config('statement_timeout', '0', true)"))
        await _look_between(session, found)
    return found


async def _seals(database: Database) -> AsyncIterator[Seal]:
    """One by one: each is read when the one before has been dealt with."""
    number = 0
    while True:
        async with database.transaction() as session:
            seal = await seals.find_next(session, number)
        if seal is None:
            return
        yield seal
        number = seal.number


async def _flaws(database: Database, seal: Seal, previous: Seal | None) -> list[str]:
    """What is wrong with a seal, or with what it covers."""
    due = previous.number + 1 if previous else 1
    if seal.number != due:
        return [f"Seal {due} is gone."]
    async with database.transaction() as session:
        covered = await seals.list_covered(session, seal)
    if flaws := [flaw for position, row in enumerate(covered) for flaw in _changed(seal, position, row)]:
        return flaws
    digests = [seals.digest(row.text) for row in covered]
    if seal.hash != seal.hash_after(previous.hash if previous else GENESIS, digests):
        return [f"Seal {seal.number} was changed, or does not continue the one before it."]
    return [
        f"Transfer {row.id} (customer {customer}, version {version}) is dated {row.at:%Y-%m-%d %H:%M:%S}, "
        f"but seal {seal.number} saw it first: it was put in later."
        for row, customer, version in zip(covered, seal.customers, seal.versions, strict=True)
        if row.at < seal.since - AT_WORK
    ]


def _changed(seal: Seal, position: int, row: Row[tuple[object, ...]]) -> list[str]:
    which = f"(customer {seal.customers[position]}, version {seal.versions[position]}; seal {seal.number})"
    if row.text is None:
        return [f"A transfer is gone {which}."]
    if seals.digest(row.text)[: seals.MARK_BYTES] != seal.mark(position):
        return [f"Transfer {row.id} was changed {which}."]
    return []


async def _look_between(session: AsyncSession, found: Verified) -> None:
    for row in await session.execute(text(_BETWEEN), {"most": MOST}):
        if row.sealed != row.different:
            found.flaws.append(f"Transfers of customer {row.id} are sealed twice.")
        if row.there > row.sealed:
            found.flaws.append(f"Customer {row.id} has {row.there - row.sealed} transfers that were put in between.")
        if row.beyond:
            found.flaws.append(f"Customer {row.id} has {row.beyond} transfers that the account does not know of.")
    waiting = (await session.execute(text(_WAITING), {"patience": UNSEALED})).one()
    found.waiting = waiting.transfers
    if waiting.too_old:
        found.flaws.append("Transfers of more than an hour ago are not sealed: does billing-worker run?")
