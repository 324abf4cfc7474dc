"""The ledger's way for many payments at once: each as `ledger.transfer` would move it, by as many statements as one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.ledger import Changed, Moved, told
from services.billing.models import Account, ShopAccount
from shared.contracts.billing import BalanceChanged


@dataclass(frozen=True)
class Debit:
    """A payment for an order, to be moved together with others."""

    customer_id: UUID
    currency: str
    amount_minor: int
    made_by: str
    order_number: str
    order_version: int
    id: UUID = field(default_factory=uuid4)


# What an account has not is not taken, and what is not taken is not written down.
_DEBIT_ALL = text("""
    WITH changed AS (
        UPDATE accounts SET balance_minor = balance_minor - n.amount, version = version + n.count
        FROM unnest(CAST(:accounts AS uuid[]), CAST(:taken AS bigint[]), CAST(:counts AS bigint[]))
            AS n (id, amount, count)
        WHERE accounts.id = n.id AND kind = 'customer' AND balance_minor - held_minor >= n.amount
        RETURNING accounts.id
    )
    INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,
        kind, balance_after_minor, order_number, order_version, made_by)
    SELECT id, customer_id, version, customer_id, shop, amount, currency, 'payment', after, number, order_version, by
    FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:versions AS bigint[]), CAST(:shops AS uuid[]),
        CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:afters AS bigint[]), CAST(:numbers AS text[]),
        CAST(:order_versions AS bigint[]), CAST(:by AS text[]))
        AS n (id, customer_id, version, shop, amount, currency, after, number, order_version, by)
    WHERE customer_id IN (SELECT changed.id FROM changed)
    RETURNING id
""")


async def debit_all(
    session: AsyncSession, debits: Sequence[Debit], accounts: Mapping[UUID, Account]
) -> list[tuple[Moved, BalanceChanged]]:
    """Move them all, by one conditional statement; gives the news of each balance, to be told with what it is for.

    The accounts are held (`queries.lock_accounts`), and have what is taken: else it is an error.
    """
    taken, counts = Counter[UUID](), Counter[UUID]()
    after: list[Changed] = []
    for each in debits:
        account = accounts[each.customer_id]
        taken[account.id] += each.amount_minor
        counts[account.id] += 1
        balance_minor = account.balance_minor - taken[account.id]
        after.append(Changed(balance_minor, account.held_minor, account.version + counts[account.id]))
    made = await session.execute(
        _DEBIT_ALL,
        {
            "accounts": list(taken),
            "taken": list(taken.values()),
            "counts": list(counts.values()),
            "ids": [each.id for each in debits],
            "customers": [each.customer_id for each in debits],
            "versions": [changed.version for changed in after],
            "shops": [ShopAccount.SALES.id(each.currency) for each in debits],
            "amounts": [each.amount_minor for each in debits],
            "currencies": [each.currency for each in debits],
            "afters": [changed.balance_minor for changed in after],
            "numbers": [each.order_number for each in debits],
            "order_versions": [each.order_version for each in debits],
            "by": [each.made_by for each in debits],
        },
    )
    if len(made.all()) != len(debits):
        raise LookupError("an account has not what is to be taken from it")
    return [
        (
            Moved(each.id, changed.balance_minor + each.amount_minor, changed.balance_minor, changed.held_minor),
            told(each.customer_id, each.currency, changed),
        )
        for each, changed in zip(debits, after, strict=True)
    ]
