"""An admin has an order's facts told again: somebody who listens has missed the newest ones."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.orders import queries
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.reconciliation import ToldAgain
from shared.contracts.orders import OrderAmended, OrderCancelled


async def tell_order_again(session: AsyncSession, caller: Caller, number: str) -> ToldAgain:
    """As a new version, which counts everywhere; the order itself stays. Refuses `Forbidden`, `UnknownOrder`."""
    caller.require_admin()
    order = await queries.lock_order(session, number, caller)
    order.version += 1
    if order.is_cancelled:
        await outbox.record(session, OrderCancelled(**order.facts()))
    else:
        # The line names the reason of a refund that this may bring: an item that died, where there is one.
        line = next((item.line for item in order.items if not item.is_live), 1)
        await outbox.record(session, OrderAmended(**order.facts(), line=line))
    await record_act(session, caller, "tell_order_again", number, version=order.version)
    return ToldAgain(version=order.version)
