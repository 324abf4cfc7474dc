"""What both services hold of an order, and whether it is an end of the state table."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.standing import DEAD


class OrderRow(NamedTuple):
    """What orders holds; its own version, which counts what it heard, is no part of where it stands."""

    billing_version: int
    status: str
    total_minor: int
    paid_minor: int
    paid_once: bool
    items: tuple[tuple[str, int], ...]
    """Each item's status and cost."""


class MoneyRow(NamedTuple):
    """What billing holds: the invoice, the customer's balance, and what their transfers add up to."""

    version: int
    """Counts the payments and refunds: two of these may have been one."""
    order_version: int
    cancelled: bool
    total_minor: int
    paid_minor: int
    paid_once: bool
    balance_minor: int
    kept_minor: int
    transferred_minor: int

    @property
    def end(self) -> tuple[int, ...]:
        """Where it stands, and the money."""
        return self[1:]

    @property
    def clearing_minor(self) -> int:
        """What is kept for the order beyond what it costs: nothing, when all is quiet."""
        return self.kept_minor - min(self.kept_minor, self.total_minor)


ORDER = """
    SELECT billing_version, status, total_minor, paid_minor, first_paid_in_full_at IS NOT NULL AS paid_once,
        ARRAY(SELECT i.status FROM items i WHERE i.order_number = o.number ORDER BY line) AS statuses,
        ARRAY(SELECT quantity * unit_price_minor FROM items i WHERE i.order_number = o.number ORDER BY line) AS costs
    FROM orders o WHERE number = :number
"""
MONEY = """
    WITH moved AS (
        SELECT order_number, CASE WHEN kind IN ('deposit', 'refund') THEN amount_minor ELSE -amount_minor END AS change
        FROM transfers WHERE customer_id = (SELECT customer_id FROM invoices WHERE order_number = :number)
    )
    SELECT i.version, i.order_version, i.cancelled, i.total_minor, i.paid_minor,
        i.first_paid_in_full_at IS NOT NULL AS paid_once, coalesce(a.balance_minor, 0) AS balance_minor,
        (SELECT coalesce(-sum(change), 0)::bigint FROM moved WHERE order_number = i.order_number) AS kept_minor,
        (SELECT coalesce(sum(change), 0)::bigint FROM moved) AS transferred_minor
    FROM invoices i LEFT JOIN accounts a ON a.id = i.customer_id WHERE i.order_number = :number
"""


async def order_row(session: AsyncSession, number: str) -> OrderRow:
    found = await session.execute(text(ORDER), {"number": int(number.removeprefix("ORD-"))})
    *order, statuses, costs = found.one()
    return OrderRow._make([*order, tuple(zip(statuses, costs, strict=True))])


async def money_row(session: AsyncSession, number: str) -> MoneyRow:
    return MoneyRow(*(await session.execute(text(MONEY), {"number": number})).one())


def judge(order: OrderRow, money: MoneyRow, deposited_minor: int) -> None:
    """All is quiet: both services are of one mind, no money is made or lost, and the order is where the table says."""
    assert money.transferred_minor == money.balance_minor
    assert money.balance_minor + money.kept_minor == deposited_minor
    assert money.kept_minor == money.paid_minor == order.paid_minor
    assert money.clearing_minor == 0
    assert (order.total_minor, order.billing_version, order.paid_once) == (
        money.total_minor, money.version, money.paid_once,
    )  # fmt: skip
    live = [status for status, _ in order.items if status not in DEAD]
    if not live:
        assert (order.status, money.cancelled, money.kept_minor) == ("cancelled", True, 0)
    elif order.paid_minor == order.total_minor:
        assert (order.status, money.cancelled) == ("paid", False)
        assert "awaiting_payment" not in live
    else:
        waits = "awaiting_additional_payment" if order.paid_once else "awaiting_payment"
        assert (order.status, money.cancelled) == (waits, False)
    paid_for_minor = sum(cost for status, cost in order.items if status == "paid")
    assert paid_for_minor <= order.paid_minor
