"""Payments that were decided are written: whatever each of them changes, and however many there are, in one statement
that is all of the transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import Account, Invoice
from shared import acts, failpoints, idempotency, outbox
from shared.contracts.billing import OrderPaid
from shared.rows import Rows

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Debit:
    """A payment that was decided: its invoice and account as they have become since they were looked at, its transfer,
    and the rows that say so."""

    invoice: Invoice
    account: Account
    transfer: Row
    news: Sequence[Row]
    used_key: Row
    acts: Sequence[Row]


_INVOICE = Rows(
    "invoice",
    {
        "number": "text",
        "seen": "bigint",
        "order_version": "bigint",
        "paid": "bigint",
        "paid_at": "timestamptz",
        "version": "bigint",
    },
)
_ACCOUNT = Rows(
    "account", {"id": "uuid", "seen": "bigint", "balance": "bigint", "version": "bigint", "orders": "bigint"}
)
_TRANSFER = Rows(
    "transfer",
    {
        "id": "uuid",
        "customer_id": "uuid",
        "account_version": "bigint",
        "debit_account": "uuid",
        "credit_account": "uuid",
        "amount_minor": "bigint",
        "currency": "text",
        "kind": "text",
        "balance_after_minor": "bigint",
        "order_number": "text",
        "order_version": "bigint",
        "made_by": "text",
    },
)
# Of each row of other tables, whose payment it belongs to.
_PAYER = {"payer": "uuid"}
_NEWS = Rows("news", {**outbox.COLUMNS, **_PAYER})
_KEY = Rows("used", {**idempotency.COLUMNS, **_PAYER})
_ACT = Rows("done", {**acts.COLUMNS, **_PAYER})


def _insert(table: str, given: Rows, columns: Mapping[str, str], payer: str = "payer") -> str:
    """In the order given, which is that of the versions, and only what belongs to payments that are made."""
    names = ", ".join(columns)
    made = f"{payer} = ANY (ARRAY(SELECT id FROM payers))"  # noqa: S608
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {given} WHERE {made}"  # noqa: S608


# Nothing was locked when it was looked at. Here it is, as far as it still is as it was seen, and nobody else has it in
# hand; a row that was changed since this statement began is compared as it is now (READ COMMITTED). Nobody is waited
# for, so that the order does not matter. Of a customer's payments all are made, or none: they stand on one balance.
_DEBIT_ALL = text(f"""
    WITH held_invoices AS (
        SELECT customer_id FROM invoices JOIN {_INVOICE} ON order_number = number
            AND invoices.version = seen AND invoices.order_version = invoice.order_version
        FOR NO KEY UPDATE OF invoices SKIP LOCKED
    ), held_accounts AS (
        SELECT accounts.id, orders FROM accounts JOIN {_ACCOUNT} ON accounts.id = account.id
            AND accounts.version = seen
        FOR NO KEY UPDATE OF accounts SKIP LOCKED
    ), payers AS (
        SELECT id FROM held_accounts
        WHERE (id, orders) IN (SELECT customer_id, count(*) FROM held_invoices GROUP BY customer_id)
    ), debited AS (
        UPDATE accounts SET balance_minor = balance, version = account.version FROM {_ACCOUNT}
        WHERE accounts.id = account.id AND account.id IN (SELECT id FROM payers)
    ), paid AS (
        UPDATE invoices SET paid_minor = paid, first_paid_in_full_at = paid_at, version = invoice.version
        FROM {_INVOICE} WHERE order_number = number AND customer_id IN (SELECT id FROM payers)
    ), moved AS (
        {_insert("transfers", _TRANSFER, _TRANSFER.columns, payer="customer_id")}
    ), told AS (
        {_insert("outbox", _NEWS, outbox.COLUMNS)}
    ), kept AS (
        {_insert("idempotency_keys", _KEY, idempotency.COLUMNS)}
    ), noted AS (
        {_insert("acts", _ACT, acts.COLUMNS)}
    )
    SELECT id, {outbox.RING} FROM payers
""")  # noqa: S608


async def debit_all(session: AsyncSession, debits: Sequence[Debit]) -> set[UUID]:
    """Write them; gives whose were written. Of all others nothing is: somebody came between, or has them in hand."""
    with failpoints.during("during_commit", OrderPaid.routing_key):
        written = set((await session.execute(_DEBIT_ALL, _parameters(debits))).scalars())
    outbox.will_be_told(session, [news for each in debits if each.account.id in written for news in each.news])
    return written


def _parameters(debits: Sequence[Debit]) -> dict[str, list[Any]]:
    payments = Counter(each.invoice.order_number for each in debits)
    invoices = {each.invoice.order_number: each.invoice for each in debits}
    return {
        **_INVOICE.parameters(
            {
                "number": number,
                "seen": invoice.version - payments[number],
                "order_version": invoice.order_version,
                "paid": invoice.paid_minor,
                "paid_at": invoice.first_paid_in_full_at,
                "version": invoice.version,
            }
            for number, invoice in invoices.items()
        ),
        **_ACCOUNT.parameters(_accounts(debits, invoices.values())),
        **_TRANSFER.parameters(each.transfer for each in debits),
        **_NEWS.parameters({**news, "payer": each.account.id} for each in debits for news in each.news),
        **_KEY.parameters({**each.used_key, "payer": each.account.id} for each in debits),
        **_ACT.parameters({**act, "payer": each.account.id} for each in debits for act in each.acts),
    }


def _accounts(debits: Sequence[Debit], invoices: Iterable[Invoice]) -> Iterator[Row]:
    payments = Counter(each.account.id for each in debits)
    orders = Counter(invoice.customer_id for invoice in invoices)
    for account in {each.account.id: each.account for each in debits}.values():
        yield {
            "id": account.id,
            "seen": account.version - payments[account.id],
            "balance": account.balance_minor,
            "version": account.version,
            "orders": orders[account.id],
        }
