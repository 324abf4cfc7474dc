"""Give somebody of the staff a login."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.accounts.models import Account
from gateway.errors import LoginTaken
from gateway.schemas import StaffView
from shared.acts import record_act
from shared.auth import Caller, Role


async def make_staff(session: AsyncSession, caller: Caller, login: str, role: Role, password_hash: str) -> StaffView:
    """Make a staff login; refuses `LoginTaken`."""
    values = {"login": login, "role": role.value, "password_hash": password_hash}
    made = await session.execute(insert(Account).values(**values).on_conflict_do_nothing().returning(Account.login))
    if made.first() is None:
        raise LoginTaken(login)
    await record_act(session, caller, "make_staff", login, given_role=role.value)
    return StaffView(login=login, role=role, disabled=False)
