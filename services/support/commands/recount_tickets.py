"""An admin has a customer's tickets, and the shop's new ones, counted anew."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import queries, telling
from services.support.views import counts_view
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.reconciliation import ToldAgain


async def recount_tickets(session: AsyncSession, caller: Caller, customer_id: UUID) -> ToldAgain:
    """The counts are held while it counts: who changes a ticket meanwhile adds to the new ones. Refuses `Forbidden`."""
    caller.require_admin()
    counts = await queries.lock_counts(session, customer_id)
    counts.total, counts.new, counts.answered = await queries.count_tickets(session, customer_id)
    counts.version += 1
    shop = await queries.lock_shop_count(session)
    shop_new = await queries.count_new_tickets(session)
    if shop.new != shop_new:
        shop.new, shop.version = shop_new, shop.version + 1
    await outbox.record(session, telling.counts_changed(counts_view(customer_id, counts), shop.new, shop.version))
    await record_act(
        session,
        caller,
        "recount_tickets",
        str(customer_id),
        total=counts.total,
        new=counts.new,
        answered=counts.answered,
    )
    return ToldAgain(version=counts.version)
