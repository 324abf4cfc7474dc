"""Change somebody's role or password, or take their login away."""

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.accounts import queries
from gateway.accounts.commands.sign_out import sign_out_everywhere
from gateway.errors import LastAdmin
from gateway.schemas import ChangeStaff, StaffView
from shared.acts import record_act
from shared.auth import Caller, Role
from shared.errors import Forbidden


async def change_staff(
    session: AsyncSession, caller: Caller, login: str, wanted: ChangeStaff, password_hash: str | None
) -> StaffView:
    """Change what is given; a new password, or disabling, ends the person's sessions. Refuses `UnknownStaff`,
    `LastAdmin`.

    All admins are held first, so that no two of them can take each other's rights away.
    """
    admins = {admin.login for admin in await queries.lock_admins(session)}
    if caller.login not in admins:
        raise Forbidden("Staff logins are an admin's.")
    account = await queries.lock_staff(session, login)
    keeps_right = wanted.role in (None, Role.ADMIN) and not wanted.disabled
    if admins == {login} and not keeps_right:
        raise LastAdmin
    role_before, disabled_before = account.role, account.disabled
    if wanted.role is not None:
        account.role = wanted.role.value
    if wanted.disabled is not None:
        account.disabled = wanted.disabled
    if password_hash is not None:
        account.password_hash = password_hash
    if password_hash is not None or account.disabled:
        await sign_out_everywhere(session, login)
    await record_act(
        session,
        caller,
        "change_staff",
        login,
        given_role=account.role,
        given_role_before=role_before,
        disabled=str(account.disabled).lower(),
        disabled_before=str(disabled_before).lower(),
        password="changed" if password_hash is not None else None,
    )
    return StaffView(login=login, role=Role(account.role), disabled=account.disabled)
