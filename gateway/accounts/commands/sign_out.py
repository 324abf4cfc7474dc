"""End a session, or all of a login."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.accounts.models import Session


async def sign_out(session: AsyncSession, token_hash: bytes) -> None:
    """End this session."""
    await session.execute(delete(Session).where(Session.token_hash == token_hash))


async def sign_out_everywhere(session: AsyncSession, login: str) -> None:
    """End every session of this login."""
    await session.execute(delete(Session).where(Session.login == login))
