"""An admin has a customer's tickets, and the shop's new ones, counted anew."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.support import conversation, queries
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.reconciliation import ToldAgain


async def recount_tickets(session: AsyncSession, caller: Caller, customer_id: UUID) -> ToldAgain:
    """The counts are held while it counts: who changes a ticket meanwhile adds to the new ones. Refuses `Forbidden`."""
    caller.require_admin()
    await conversation.begin_counts(session, customer_id)
    kept = await queries.lock_counts(session, customer_id)
    total, new, answered = await queries.count_tickets(session, customer_id)
    shop = await queries.lock_shop_count(session)
    shop_new = await queries.count_new_tickets(session)
    version = await conversation.count(
        session,
        customer_id,
        total=total - kept.total,
        new=new - kept.new,
        answered=answered - kept.answered,
        new_in_shop=shop_new - shop.new,
    )
    await record_act(session, caller, "recount_tickets", str(customer_id), total=total, new=new, answered=answered)
    return ToldAgain(version=version)
