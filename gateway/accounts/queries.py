"""Every SELECT of the gateway."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Float, LargeBinary, any_, bindparam, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.accounts.models import Account, Session
from gateway.errors import UnknownStaff
from shared.auth import Caller, Role
from shared.db import Database

_SESSIONS = (
    select(
        Session.token_hash,
        Account.login,
        Account.role,
        Account.customer_id,
        func.extract("epoch", Session.expires_at - func.now()).cast(Float).label("seconds_left"),
    )
    .join(Session, Session.login == Account.login)
    .where(
        Session.token_hash == any_(bindparam("token_hashes", type_=ARRAY(LargeBinary))),
        Session.expires_at > func.now(),
        ~Account.disabled,
    )
)


async def find_sessions(database: Database, token_hashes: Sequence[bytes]) -> dict[bytes, tuple[Caller, float]]:
    """Whose sessions they are, and for how many seconds more; without those that have ended."""
    async with database.single_statements.connect() as connection:
        rows = await connection.execute(_SESSIONS, {"token_hashes": token_hashes})
        return {row.token_hash: (Caller(row.login, Role(row.role), row.customer_id), row.seconds_left) for row in rows}


async def find_ended_sessions(session: AsyncSession, token_hashes: Collection[bytes]) -> set[bytes]:
    """Those of these sessions, be they thousands, that have ended."""
    asked = func.unnest(cast(list(token_hashes), ARRAY(LargeBinary))).column_valued("asked")
    lasting = exists().where(Session.token_hash == asked, Session.expires_at > func.now())
    return set(await session.scalars(select(asked).where(~lasting)))


async def find_account(session: AsyncSession, login: str) -> Account | None:
    return await session.get(Account, login)


async def lock_account(session: AsyncSession, login: str) -> Account | None:
    return await session.get(Account, login, with_for_update=True, populate_existing=True)


async def find_customer(session: AsyncSession, customer_id: UUID) -> Account | None:
    return await session.scalar(select(Account).where(Account.customer_id == customer_id))


async def get_staff(session: AsyncSession, login: str) -> Account:
    """One of the staff; refuses `UnknownStaff`."""
    return _of_staff(await find_account(session, login))


async def lock_staff(session: AsyncSession, login: str) -> Account:
    """The same, held."""
    return _of_staff(await lock_account(session, login))


def _of_staff(account: Account | None) -> Account:
    if account is None or account.role == Role.CUSTOMER:
        raise UnknownStaff
    return account


async def lock_admins(session: AsyncSession) -> Sequence[Account]:
    """All who can sign in as admin, held in the order of their logins."""
    admins = select(Account).where(
        Account.role == Role.ADMIN.value, ~Account.disabled, Account.password_hash.is_not(None)
    )
    return (await session.scalars(admins.order_by(Account.login).with_for_update())).all()


async def list_staff(session: AsyncSession, after_login: str, limit: int) -> Sequence[Account]:
    staff = select(Account).where(Account.role != Role.CUSTOMER.value, Account.login > after_login)
    return (await session.scalars(staff.order_by(Account.login).limit(limit))).all()
