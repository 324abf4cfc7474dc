"""What billing keeps, beside what its transfers say: for reconciliation. Each page is one statement, one moment."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.http.reconciliation import AccountPosition, InvoiceFigures, InvoicePosition

_AFTER = """
    (SELECT order_number FROM invoices WHERE order_number > :after ORDER BY order_number LIMIT :limit)
    UNION
    (SELECT DISTINCT order_number FROM transfers WHERE order_number > :after ORDER BY order_number LIMIT :limit)
    ORDER BY order_number LIMIT :limit
"""
_THESE = "SELECT unnest(CAST(:numbers AS text[])) AS order_number"
_INVOICES = """
    WITH named AS ({named})
    SELECT named.order_number, i.customer_id, i.currency, i.total_minor, i.paid_minor, i.cancelled, i.order_version,
           i.version, coalesce(ledger.transferred_minor, 0) AS transferred_minor
    FROM named
    LEFT JOIN invoices i ON i.order_number = named.order_number
    LEFT JOIN LATERAL (
        SELECT sum(CASE kind WHEN 'payment' THEN amount_minor ELSE -amount_minor END)::bigint AS transferred_minor
        FROM transfers t WHERE t.order_number = named.order_number
    ) ledger ON true
    WHERE i.order_number IS NOT NULL OR ledger.transferred_minor IS NOT NULL
    ORDER BY named.order_number
"""
_ACCOUNTS = """
    SELECT a.id AS customer_id, a.balance_minor, a.held_minor, a.version, t.transferred_minor, h.waiting_minor,
           t.made + h.begun + h.released AS changes, greatest(t.last, h.last_begun, h.last_released) AS last_version
    FROM (SELECT * FROM accounts WHERE kind = 'customer' AND id > :after ORDER BY id LIMIT :limit) a
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE WHEN credit_account = a.id THEN amount_minor ELSE -amount_minor END), 0)::bigint
                   AS transferred_minor,
               count(*) AS made, coalesce(max(account_version), 0) AS last
        FROM transfers WHERE customer_id = a.id
    ) t
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount_minor) FILTER (WHERE state = 'waiting'), 0)::bigint AS waiting_minor,
               count(*) AS begun, max(begun_version) AS last_begun,
               count(released_version) AS released, max(released_version) AS last_released
        FROM holds WHERE customer_id = a.id
    ) h
    ORDER BY a.id
"""


async def list_invoice_positions(
    session: AsyncSession, after: str | None, numbers: Sequence[str], limit: int
) -> list[InvoicePosition]:
    """By order, those after `after`, or these: every invoice, and every order that money moved for."""
    rows = await session.execute(
        text(_INVOICES.format(named=_THESE if numbers else _AFTER)),
        {"numbers": list(numbers)} if numbers else {"after": after or "", "limit": limit},
    )
    return [_invoice_position(row) for row in rows]


def _invoice_position(row: Row[tuple[object, ...]]) -> InvoicePosition:
    return InvoicePosition(
        order_number=row.order_number,
        invoice=None if row.version is None else InvoiceFigures.model_validate(row, from_attributes=True),
        transferred_minor=row.transferred_minor,
    )


async def list_account_positions(session: AsyncSession, after: UUID | None, limit: int) -> list[AccountPosition]:
    """Customers' accounts by id, those after `after`."""
    rows = await session.execute(text(_ACCOUNTS), {"after": after or UUID(int=0), "limit": limit})
    return [AccountPosition.model_validate(row, from_attributes=True) for row in rows]
