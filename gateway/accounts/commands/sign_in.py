"""Begin a session."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from gateway.accounts import passwords, queries
from gateway.accounts.models import Session
from gateway.accounts.tries import Tries
from gateway.errors import WrongLoginOrPassword
from shared.auth import Caller, Role
from shared.db import Database

# Counted from signing in, whatever is done meanwhile: no request has to write.
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Begun:
    """A session: the token is told once, here."""

    token: str
    caller: Caller


def hash_token(token: str) -> bytes:
    """256 random bits need no salt, and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


async def sign_in(database: Database, tries: Tries, login: str, password: str, address: str) -> Begun:
    """Begin a session for whoever knows the password; refuses `WrongLoginOrPassword`, `TooManyTries`.

    It takes the database rather than a transaction: comparing a password takes long, and holds no connection.
    """
    login = login.lower()
    await tries.begin(login, address)
    async with database.transaction() as session:
        account = await queries.find_account(session, login)
    right = await passwords.is_right(password, account.password_hash if account else None)
    if account is None or not right or account.disabled:
        raise WrongLoginOrPassword
    await tries.succeeded(login, address)
    token = secrets.token_urlsafe(32)
    async with database.transaction() as session:
        current = await queries.lock_account(session, login)
        if current is None or current.disabled or current.password_hash != account.password_hash:
            raise WrongLoginOrPassword
        await session.execute(
            insert(Session).values(token_hash=hash_token(token), login=login, expires_at=datetime.now(UTC) + LIFETIME)
        )
    return Begun(token, Caller(account.login, Role(account.role), account.customer_id))
