"""Make or renew logins from `login role password` lines: `python -m gateway.accounts.bootstrap < lines`.

For whoever installs Purser: an empty system has no admin who could make the first one.
"""

import asyncio
import sys
from collections.abc import Iterable
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.accounts import passwords, queries
from gateway.accounts.commands.sign_out import sign_out_everywhere
from gateway.accounts.models import Account
from gateway.settings import BootstrapSettings
from shared.auth import Role
from shared.db import Database
from shared.settings import load
from shared.telemetry import configure_logging


async def set_staff_login(session: AsyncSession, login: str, role: str, password: str) -> None:
    """Let `login` have this role and password; where it had them already, its sessions go on."""
    account = await queries.lock_account(session, login)
    if account is None:
        account = Account(login=login)
        session.add(account)
    elif account.role == Role.CUSTOMER:
        raise ValueError(f"{login} is a customer's login")
    account.role, account.disabled = Role(role).value, False
    await _set_password(session, account, password)


async def renew_customer_password(session: AsyncSession, login: str, password: str) -> None:
    """Let a customer have this password; one who is not there yet is made by the API, with a profile."""
    account = await queries.lock_account(session, login)
    if account is not None and account.role == Role.CUSTOMER:
        await _set_password(session, account, password)


async def _set_password(session: AsyncSession, account: Account, password: str) -> None:
    if not await passwords.is_right(password, account.password_hash):
        account.password_hash = await passwords.hash_password(password)
        await sign_out_everywhere(session, account.login)


async def bootstrap(database: Database, lines: Iterable[str]) -> None:
    """Set every line's login."""
    for line in lines:
        login, role, password = line.rstrip("\n").split(" ", 2)
        change = renew_customer_password if Role(role) is Role.CUSTOMER else partial(set_staff_login, role=role)
        async with database.transaction() as session:
            await change(session, login, password=password)


async def _main() -> None:
    settings = load(BootstrapSettings)
    configure_logging("logins", settings.log_format, settings.log_level)
    database = Database(settings.database_url)
    try:
        await bootstrap(database, (line for line in sys.stdin if line.strip()))
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(_main())
