"""What support keeps counted, beside a recount: for reconciliation. Each page is one statement, one moment."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.http.reconciliation import CountsPosition, ShopCountPosition

_COUNTS = """
    WITH named AS (
        (SELECT customer_id FROM counts WHERE customer_id > :after ORDER BY customer_id LIMIT :limit)
        UNION
        (SELECT DISTINCT customer_id FROM tickets WHERE customer_id > :after ORDER BY customer_id LIMIT :limit)
        ORDER BY customer_id LIMIT :limit
    )
    SELECT named.customer_id, coalesce(c.total, 0) AS total, coalesce(c.new, 0) AS new,
           coalesce(c.answered, 0) AS answered, t.counted_total, t.counted_new, t.counted_answered
    FROM named
    LEFT JOIN counts c ON c.customer_id = named.customer_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS counted_total, count(*) FILTER (WHERE new) AS counted_new,
               count(*) FILTER (WHERE answered) AS counted_answered
        FROM tickets WHERE customer_id = named.customer_id
    ) t
    ORDER BY named.customer_id
"""


async def list_counts_positions(session: AsyncSession, after: UUID | None, limit: int) -> list[CountsPosition]:
    """Customers who have tickets, or counts, by id, those after `after`."""
    rows = await session.execute(text(_COUNTS), {"after": after or UUID(int=0), "limit": limit})
    return [CountsPosition.model_validate(row, from_attributes=True) for row in rows]


async def get_shop_count_position(session: AsyncSession) -> ShopCountPosition:
    row = await session.execute(
        text("SELECT new, (SELECT count(*) FROM tickets WHERE tickets.new) AS counted_new FROM shop_count")
    )
    return ShopCountPosition.model_validate(row.one(), from_attributes=True)
