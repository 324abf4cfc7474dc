"""The ledger's way for many payments at once: each as `ledger.transfer` would move it, by as many statements as one."""

from collections import Counter
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.ledger import Changed, Moved, told
from services.billing.models import ShopAccount
from shared import outbox


@dataclass(frozen=True)
class Debit:
    """A payment for an order, to be moved together with others."""

    context: Context
    customer_id: UUID
    currency: str
    amount_minor: int
    made_by: str
    order_number: str
    order_version: int
    id: UUID = field(default_factory=uuid4)


_DEBIT_ALL = text("""
    UPDATE accounts SET balance_minor = balance_minor - n.amount, version = version + n.count
    FROM unnest(CAST(:ids AS uuid[]), CAST(:amounts AS bigint[]), CAST(:counts AS bigint[])) AS n (id, amount, count)
    WHERE accounts.id = n.id AND kind = 'customer' AND balance_minor - held_minor >= n.amount
    RETURNING accounts.id, balance_minor, held_minor, version
""")
_POST_ALL = text("""
    INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,
        kind, balance_after_minor, order_number, order_version, made_by)
    SELECT id, customer_id, version, customer_id, shop, amount, currency, 'payment', after, number, order_version, by
    FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:versions AS bigint[]), CAST(:shops AS uuid[]),
        CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:afters AS bigint[]), CAST(:numbers AS text[]),
        CAST(:order_versions AS bigint[]), CAST(:by AS text[]))
        AS n (id, customer_id, version, shop, amount, currency, after, number, order_version, by)
""")


async def debit_all(session: AsyncSession, debits: Sequence[Debit]) -> list[Moved]:
    """Move them all, by one conditional statement for the balances and one for the transfers, and tell the balances.

    The accounts are held (`queries.lock_accounts`), and have what is taken: else it is an error.
    """
    taken, counts = Counter[UUID](), Counter[UUID]()
    for each in debits:
        taken[each.customer_id] += each.amount_minor
        counts[each.customer_id] += 1
    changed = await session.execute(
        _DEBIT_ALL, {"ids": list(taken), "amounts": list(taken.values()), "counts": list(counts.values())}
    )
    # As each account stood before the first of its debits.
    stood = {
        row.id: Changed(row.balance_minor + taken[row.id], row.held_minor, row.version - counts[row.id])
        for row in changed
    }
    if missing := taken.keys() - stood.keys():
        raise LookupError(f"the account {min(missing)} has not what is to be taken from it")
    after: list[Changed] = []
    for each in debits:
        was = stood[each.customer_id]
        after.append(Changed(was.balance_minor - each.amount_minor, was.held_minor, was.version + 1))
        stood[each.customer_id] = after[-1]
    await session.execute(
        _POST_ALL,
        {
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
    both = list(zip(debits, after, strict=True))
    news = [(each.context, told(each.customer_id, each.currency, changed)) for each, changed in both]
    await outbox.record_caused(session, news)
    return [
        Moved(each.id, changed.balance_minor + each.amount_minor, changed.balance_minor, changed.held_minor)
        for each, changed in both
    ]
