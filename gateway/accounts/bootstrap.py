"""Make or renew staff logins from `login role password` lines: `python -m gateway.accounts.bootstrap < lines`.

For whoever installs Purser: an empty system has no admin who could make the first one.
"""

import asyncio
import sys
from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.accounts import passwords, queries
from gateway.accounts.commands.sign_out import sign_out_everywhere
from gateway.accounts.models import Account
from gateway.settings import BootstrapSettings
from shared.auth import Role
from shared.db import Database
from shared.settings import load


async def set_staff_login(session: AsyncSession, login: str, role: str, password: str) -> None:
    """Let `login` have this role and password; where it had them already, its sessions go on."""
    account = await queries.lock_account(session, login)
    if account is None:
        account = Account(login=login)
        session.add(account)
    elif account.role == Role.CUSTOMER:
        raise ValueError(f"{login} is a customer's login")
    account.role, account.disabled = Role(role).value, False
    if not await passwords.is_right(password, account.password_hash):
        account.password_hash = await passwords.hash_password(password)
        await sign_out_everywhere(session, login)


async def bootstrap(database: Database, lines: Iterable[str]) -> None:
    """Set every line's login; customers' lines are passed over: a customer is made by the API, with a profile."""
    for line in lines:
        login, role, password = line.rstrip("\n").split(" ", 2)
        if Role(role) is not Role.CUSTOMER:
            async with database.transaction() as session:
                await set_staff_login(session, login, role, password)


async def _main() -> None:
    database = Database(load(BootstrapSettings).database_url)
    try:
        await bootstrap(database, (line for line in sys.stdin if line.strip()))
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(_main())
