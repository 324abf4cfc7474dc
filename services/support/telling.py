"""What has become of conversations is written down and told: many changes by as many statements as one."""

from collections.abc import Sequence
from contextvars import Context
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.support import queries
from services.support.conversation import Change
from shared import outbox
from shared.contracts.base import Event
from shared.contracts.http.support import TicketCounts
from shared.contracts.support import TicketCountsChanged
from shared.rows import Rows

_TICKETS = Rows(
    "ticket",
    {
        "id": "uuid",
        "status": "text",
        "messages": "bigint",
        "customer_seq": "bigint",
        "staff_seq": "bigint",
        "read_by_staff_seq": "bigint",
        "read_by_customer_seq": "bigint",
        "changed_at": "timestamptz",
        "version": "bigint",
    },
)
_COUNTS = Rows(
    "count",
    {"customer_id": "uuid", "total": "bigint", "new": "bigint", "answered": "bigint", "version": "bigint"},
)
_MESSAGES = Rows(
    "message",
    {
        "ticket_id": "uuid",
        "seq": "bigint",
        "id": "uuid",
        "author": "text",
        "author_login": "text",
        "text": "text",
        "at": "timestamptz",
        "transfer_id": "uuid",
    },
)


def _update(table: str, given: Rows) -> str:
    """By the first of the columns."""
    key, *others = given.columns
    set_ = ", ".join(f"{name} = {given.name}.{name}" for name in others)
    return f"UPDATE {table} SET {set_} FROM {given} WHERE {table}.{key} = {given.name}.{key}"  # noqa: S608


_WRITE = text(f"""
    WITH changed AS ({_update("tickets", _TICKETS)}), counted AS ({_update("counts", _COUNTS)})
    INSERT INTO messages ({", ".join(_MESSAGES.columns)}) SELECT * FROM {_MESSAGES}
""")  # noqa: S608


async def record(session: AsyncSession, changes: Sequence[Change]) -> None:
    """Write down what has become of tickets and counts that are held, with what was said, and tell it."""
    tickets = {change.ticket.id: change.ticket for change in changes}
    # The last that a customer's counts have become.
    counts = {change.counts.customer_id: change.counts for change in changes if change.counts}
    await session.execute(
        _WRITE,
        {
            **_TICKETS.parameters_of(tickets.values()),
            **_COUNTS.parameters_of(counts.values()),
            **_MESSAGES.parameters_of(change.message for change in changes if change.message),
        },
    )
    await tell(session, changes)


async def tell(session: AsyncSession, changes: Sequence[Change]) -> None:
    """Tell of each change, and then of the counts that have changed with it."""
    counted = [change for change in changes if change.counts]
    in_shop = iter(await _count_in_shop(session, [change.new_in_shop for change in counted]) if counted else ())
    news: list[tuple[Context, Event]] = []
    for change in changes:
        news.append((change.context, change.told))
        if change.counts:
            news.append((change.context, counts_changed(change.counts, *next(in_shop))))
    await outbox.record_caused(session, news)


_COUNT_IN_SHOP = text("UPDATE shop_count SET new = new + :new, version = version + :times RETURNING new, version")


async def _count_in_shop(session: AsyncSession, changes: Sequence[int]) -> list[tuple[int, int]]:
    """How many are new, and the version, after each of the changes. The shop's one row is locked only when its figure
    changes; read, it may be a moment old, as its version says."""
    times = sum(map(bool, changes))
    if times:
        new, version = (await session.execute(_COUNT_IN_SHOP, {"new": sum(changes), "times": times})).one()
    else:
        shop = await queries.get_shop_count(session)
        new, version = shop.new, shop.version
    new, version = new - sum(changes), version - times
    after = []
    for more in changes:
        new, version = new + more, version + bool(more)
        after.append((new, version))
    return after


def counts_changed(counts: TicketCounts, shop_new: int, shop_version: int) -> TicketCountsChanged:
    """The news of a customer's counts."""
    return TicketCountsChanged(
        **counts.model_dump(), shop_new=shop_new, shop_version=shop_version, at=datetime.now(UTC)
    )
