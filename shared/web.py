"""HTTP as every service speaks it: transactions, callers, idempotency keys, health."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from shared import auth, failpoints, idempotency, outbox
from shared.auth import Caller
from shared.connections import LastWords
from shared.correlation import CorrelationId
from shared.db import Database
from shared.errors import Unauthenticated
from shared.health import Health, database_check, health_routes
from shared.idempotency import Claim
from shared.limits import BodyLimit
from shared.problems import HANDLERS, MAX_BODY_BYTES, REFUSALS
from shared.watching import watch_outbox

V = TypeVar("V", bound=BaseModel)


# --- What routes ask for ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def edge(database: Database) -> AsyncIterator[AsyncSession]:
    """The transaction of a request."""
    async with database.transaction() as session:
        yield session
        failpoints.hit("before_commit", *session.info.get("told", ()))
    failpoints.hit("after_commit", *session.info.get("told", ()))


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with edge(request.app.state.database) as session:
        yield session


async def _own_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


OwnDatabase = Annotated[Database, Depends(_own_database)]
# scope="function": commit first, answer then. With the default scope a failing commit was answered 200.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.reading() as session:
        yield session


# What only reads takes no transaction.
Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]


async def vouched_for(request: Request, audience: str) -> Caller:
    """Who asks, by the gateway's word for `audience`."""
    scheme, _, assertion = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The request does not bear the gateway's word on who is asking.")
    state = request.app.state
    return auth.verify(
        assertion,
        state.caller_keys,
        audience,
        request.method,
        request.scope["path"],
        query=request.scope["query_string"].decode("latin-1"),
        idempotency_key=request.headers.get("Idempotency-Key", ""),
        body=await request.body(),
    )


async def _caller(request: Request) -> Caller:
    return await vouched_for(request, request.app.state.service)


Asking = Annotated[Caller, Depends(_caller)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[\x20-\x7e]{1,255}$")]


@dataclass(frozen=True)
class Idempotent:
    """Does a request's work once per key."""

    session: AsyncSession
    scope: str
    key: str
    request: bytes

    async def __call__(self, answer: type[V], work: Callable[[], Awaitable[V]]) -> V:
        return await idempotency.once(self.session, self.scope, self.key, self.request, answer, work)


def scope_of(caller: Caller, method: str, path: str) -> str:
    """Where a key counts: for this person, and what they do with it."""
    return f"{caller.login} {method} {path}"


def _scope(request: Request, caller: Caller) -> str:
    return scope_of(caller, request.method, request.scope["path"])


async def _once(request: Request, session: Session, caller: Asking, key: IdempotencyKey) -> Idempotent:
    return Idempotent(session, _scope(request, caller), key, await request.body())


Once = Annotated[Idempotent, Depends(_once, scope="function")]


async def _claim(request: Request, caller: Asking, key: IdempotencyKey) -> Claim:
    return Claim.of(_scope(request, caller), key, await request.body())


Claimed = Annotated[Claim, Depends(_claim)]


# --- Applications -----------------------------------------------------------------------------------------------------


def web_app(
    title: str, lifespan: Callable[[FastAPI], Any], health: Health, most_bytes: int = MAX_BODY_BYTES
) -> FastAPI:
    """An application that answers every failure with a problem, limits bodies, and tells its health."""
    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        responses=REFUSALS,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # Their pages load scripts from another site, which ours forbids.
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False},
        exception_handlers=HANDLERS,
    )
    app.state.stopping = asyncio.Event()
    app.add_middleware(BodyLimit, most_bytes=most_bytes)
    app.add_middleware(LastWords)
    app.add_middleware(CorrelationId)
    app.include_router(health_routes(health))
    return app


def service_api(
    service: str, database: Database, caller_keys: str, routers: list[APIRouter], **state: object
) -> FastAPI:
    """A service's API: it writes rows, and rings the relay; it never talks to the broker."""
    health = Health({"database": database_check(database)})

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(outbox.ring(database)),
            # The worker looks too; but where it is down, somebody else must see what waits for it.
            asyncio.create_task(watch_outbox(service, database, health)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()

    # The gateway has let it pass, and may have added a little.
    most_bytes = MAX_BODY_BYTES + 1_000
    app = web_app(f"Purser {service}", lifespan, health, most_bytes)
    app.state.service = service
    app.state.database = database
    app.state.caller_keys = auth.public_keys(caller_keys)
    for name, value in state.items():
        setattr(app.state, name, value)
    for router in routers:
        app.include_router(router)
    return app
