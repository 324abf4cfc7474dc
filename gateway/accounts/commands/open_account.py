"""Give a customer a login."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.accounts import queries
from gateway.accounts.models import Account
from gateway.errors import LoginTaken
from shared.auth import Role


async def open_account(session: AsyncSession, customer_id: UUID, login: str, password_hash: str | None = None) -> None:
    """Make the customer's login where there is none; the first password that is given stays. Refuses `LoginTaken`.

    Both who registers a customer and the event about it come here, in any order, and more than once.
    """
    values = {"login": login, "role": Role.CUSTOMER.value, "customer_id": customer_id}
    await session.execute(insert(Account).values(**values).on_conflict_do_nothing())
    account = await queries.lock_account(session, login)
    if account is None or account.customer_id != customer_id:
        raise LoginTaken(login)
    if account.password_hash is None:
        account.password_hash = password_hash
