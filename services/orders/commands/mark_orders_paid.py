"""Billing told what was paid for orders: each, and its payable items, stand where that puts them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from services.orders.models.order import Order
from shared import inbox, outbox
from shared.contracts.billing import InvoiceFacts
from shared.contracts.orders import OrderChanged
from shared.inbox import Taken
from shared.rows import Rows

_SEEN = Rows("seen", {"number": "bigint", "version": "bigint"})
_HEARD = Rows("heard", {"event_id": "uuid", "number": "bigint"})
_ORDER = Rows(
    "o",
    {
        "number": "bigint",
        "status": "text",
        "total_minor": "bigint",
        "paid_minor": "bigint",
        "version": "bigint",
        "billing_version": "bigint",
        "first_paid_in_full_at": "timestamptz",
        "paid_version": "bigint",
    },
)
_ITEM = Rows("i", {"order_number": "bigint", "line": "bigint", "status": "text"})
# Of each piece of news, which order it is of.
_NEWS = Rows("news", {**outbox.COLUMNS, "number": "bigint"})
_TOLD = ", ".join(outbox.COLUMNS)
# However many orders and items, the inbox, and the news: one statement. Of an order that is not as it was seen, because
# somebody has changed it or has it in hand, it does nothing, and nobody is waited for: who has taken the same event has
# its order in hand first.
_WRITE = text(f"""
    WITH held AS (
        SELECT orders.number FROM orders JOIN {_SEEN} ON orders.number = seen.number AND orders.version = seen.version
        FOR NO KEY UPDATE OF orders SKIP LOCKED
    ), first AS (
        {inbox.insertion(f"SELECT event_id FROM {_HEARD} WHERE number IN (SELECT number FROM held)")}
    ), written AS (
        UPDATE orders SET status = o.status, total_minor = o.total_minor, paid_minor = o.paid_minor,
            version = o.version, billing_version = o.billing_version,
            first_paid_in_full_at = o.first_paid_in_full_at, paid_version = o.paid_version
        FROM {_ORDER} WHERE orders.number = o.number AND orders.number IN (SELECT number FROM held)
    ), settled AS (
        UPDATE items SET status = i.status
        FROM {_ITEM}
        WHERE items.order_number = i.order_number AND items.line = i.line AND items.status <> i.status
            AND items.order_number IN (SELECT number FROM held)
    ), told AS (
        INSERT INTO outbox ({_TOLD}) SELECT {_TOLD} FROM {_NEWS} WHERE number IN (SELECT number FROM held)
    )
    SELECT event_id, first.event_id IS NOT NULL AS was_new
    FROM {_HEARD} JOIN held USING (number) LEFT JOIN first USING (event_id)
""")  # noqa: S608


async def mark_orders_paid(session: AsyncSession, taken: Sequence[Taken[InvoiceFacts]]) -> dict[UUID, bool]:
    """Look, decide, and write what still is as it was seen, by one statement that is the whole transaction, the inbox
    with it. Facts are absolute: the newest counts, an older one that comes late changes nothing.

    Whether it was new, of each event that has taken effect by now. The others have none, because their order is not
    there yet, or somebody has come between, or has it in hand: `mark_orders_paid_held`.
    """
    orders = await queries.find_orders(session, {heard.event.order_number for _, heard in taken})
    return await _mark(session, orders, [each for each in taken if each[1].event.order_number in orders])


async def mark_orders_paid_held(session: AsyncSession, taken: Sequence[Taken[InvoiceFacts]]) -> dict[UUID, bool]:
    """The same of all, in a transaction in which nobody can come between: it waits for whoever has an order in hand. An
    order that is not there yet is an error, to be tried again."""
    orders = await queries.lock_known_orders(session, {heard.event.order_number for _, heard in taken})
    session.expunge_all()
    return await _mark(session, orders, taken)


async def _mark(
    session: AsyncSession, orders: Mapping[str, Order], taken: Sequence[Taken[InvoiceFacts]]
) -> dict[UUID, bool]:
    """What the orders become is written here, for all at once: the session, which knows them no more, would write one
    by one."""
    numbers = {event_id: orders[heard.event.order_number].number for event_id, heard in taken}
    seen = [{"number": order.number, "version": order.version} for order in orders.values()]
    changed, news = {}, []
    for _, heard in taken:
        order = orders[heard.event.order_number]
        if order.take_payment_facts(heard.event):
            order.settle()
            order.version += 1
            changed[order.number] = order
            told = heard.context.run(outbox.row, OrderChanged(**order.facts()))
            news.append({**told, "number": order.number})
    written = {
        **_SEEN.parameters(seen),
        **_HEARD.parameters({"event_id": event_id, "number": number} for event_id, number in numbers.items()),
        **_ORDER.parameters_of(changed.values()),
        **_ITEM.parameters_of(item for order in changed.values() for item in order.items),
        **_NEWS.parameters(news),
    }
    done = {row.event_id: row.was_new for row in await session.execute(_WRITE, written)}
    held = {numbers[event_id] for event_id in done}
    outbox.will_be_told(session, [each for each in news if each["number"] in held])
    return done
