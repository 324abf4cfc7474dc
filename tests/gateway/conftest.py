"""A gateway on its own database, before stand-ins for the services; and people who are signed in."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import insert

from gateway import app as gateway_app
from gateway.accounts.commands.sign_in import hash_token
from gateway.accounts.models import Account, Session
from gateway.accounts.tries import Tries
from gateway.settings import GatewaySettings
from shared.auth import Role
from shared.db import Database
from tests.gateway.fakes import Fake
from tests.installation import PASSWORD_SECRET, Installation, serving, settings

PASSWORD = "correct horse battery staple"
# A hash says itself how much work it was: these are compared quickly.
CHEAP_HASH = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass
class Person:
    """Somebody signed in with a token."""

    http: httpx.AsyncClient
    login: str
    token: str
    id: UUID | None

    async def ask(
        self, method: str, path: str, body: object = None, key: str | None = None, **headers: str
    ) -> httpx.Response:
        headers["Authorization"] = f"Bearer {self.token}"
        if method == "POST" and key != "":
            headers["Idempotency-Key"] = key or str(uuid4())
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        return await self.http.request(method, path, content=content, headers=headers)


@dataclass
class Gateway:
    """The gateway as the internet sees it, with what stands behind it."""

    app: FastAPI
    http: httpx.AsyncClient
    database: Database
    orders: Fake
    billing: Fake
    support: Fake

    @property
    def fakes(self) -> list[Fake]:
        return [self.orders, self.billing, self.support]

    async def account(
        self, role: Role, password_hash: str | None = CHEAP_HASH, disabled: bool = False
    ) -> tuple[str, UUID | None]:
        """A login of one's own; the password is `PASSWORD`."""
        login = f"{role}-{uuid4().hex[:12]}"
        customer_id = uuid4() if role is Role.CUSTOMER else None
        account = Account(
            login=login, role=role.value, customer_id=customer_id, password_hash=password_hash, disabled=disabled
        )
        async with self.database.transaction() as session:
            session.add(account)
        return login, customer_id

    async def person(self, role: Role, lasts: timedelta = timedelta(hours=1)) -> Person:
        """Somebody who has signed in."""
        login, customer_id = await self.account(role)
        return Person(self.http, login, await self.token(login, lasts), customer_id)

    async def token(self, login: str, lasts: timedelta = timedelta(hours=1)) -> str:
        token = secrets.token_urlsafe(32)
        async with self.database.transaction() as session:
            expires_at = datetime.now(UTC) + lasts
            values = {"token_hash": hash_token(token), "login": login, "expires_at": expires_at}
            await session.execute(insert(Session).values(**values))
        return token


@pytest.fixture(scope="session")
def installation(installation_of_parts: Installation) -> Installation:
    """One beside that of the whole Purser, whose gateway has accounts and news of its own."""
    return installation_of_parts


@asynccontextmanager
async def running_gateway(installation: Installation, **told: object) -> AsyncIterator[Gateway]:
    """A gateway that is told this besides what every one is told."""
    async with AsyncExitStack() as stack:
        fakes = [
            await stack.enter_async_context(Fake(name, installation).serving())
            for name in ("orders", "billing", "support")
        ]
        app = gateway_app.create(
            settings(
                GatewaySettings,
                database_url=installation.database_url("gateway"),
                broker_url=installation.broker_url("gateway"),
                caller_private_key=installation.private_key,
                password_secret=PASSWORD_SECRET,
                cookie_secure=True,
                reconcile_minutes=0,
                **{f"{fake.name}_url": fake.url for fake in fakes},
                **told,
            )
        )
        url = await stack.enter_async_context(serving(app))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        yield Gateway(app, http, app.state.database, *fakes)


@pytest.fixture(scope="session")
async def _running(installation: Installation) -> AsyncIterator[Gateway]:
    async with running_gateway(installation) as gateway:
        yield gateway


@pytest.fixture
def gateway(_running: Gateway) -> Gateway:
    """The services know nothing yet, nobody has a cookie, and nobody has tried to sign in."""
    for fake in _running.fakes:
        fake.forget()
    _running.http.cookies.clear()
    _running.app.state.tries = Tries()
    return _running


def code(answer: httpx.Response) -> tuple[int, str]:
    """A refusal's status and code; it must be a whole problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body["code"]
