"""HTTP as every service speaks it: transactions, callers, idempotency keys, cursors, health."""

import asyncio
import base64
import binascii
import gc
import json
import resource
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp

from shared import auth, failpoints, idempotency, outbox
from shared.auth import Caller
from shared.connections import Connection, LastWords
from shared.contracts.base import OrderNumber, storable
from shared.correlation import CorrelationId
from shared.db import Database
from shared.errors import BadCursor, Unauthenticated
from shared.health import Health, database_check, health_routes
from shared.idempotency import Claim
from shared.limits import BodyLimit
from shared.problems import HANDLERS, MAX_BODY_BYTES, REFUSALS
from shared.settings import ServerSettings
from shared.watching import watch_outbox

log = structlog.get_logger()
V = TypeVar("V", bound=BaseModel)


# --- What routes ask for ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def edge(database: Database) -> AsyncIterator[AsyncSession]:
    """The transaction of a request, or of several that are answered together."""
    async with database.transaction() as session:
        yield session
        failpoints.hit("before_commit", *session.info.get("told", ()))
    failpoints.hit("after_commit", *session.info.get("told", ()))


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with edge(request.app.state.database) as session:
        yield session


# scope="function": commit first, answer then. With the default scope a failing commit was answered 200.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]


async def _caller(request: Request) -> Caller:
    scheme, _, assertion = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The request does not bear the gateway's word on who is asking.")
    state = request.app.state
    return auth.verify(
        assertion,
        state.caller_keys,
        state.service,
        request.method,
        request.scope["path"],
        query=request.scope["query_string"].decode("latin-1"),
        idempotency_key=request.headers.get("Idempotency-Key", ""),
        body=await request.body(),
    )


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


def _scope(request: Request, caller: Caller) -> str:
    return f"{caller.login} {request.method} {request.scope['path']}"


async def _once(request: Request, session: Session, caller: Asking, key: IdempotencyKey) -> Idempotent:
    return Idempotent(session, _scope(request, caller), key, await request.body())


Once = Annotated[Idempotent, Depends(_once, scope="function")]


async def _claim(request: Request, caller: Asking, key: IdempotencyKey) -> Claim:
    return Claim.of(_scope(request, caller), key, await request.body())


Claimed = Annotated[Claim, Depends(_claim)]


def encode_cursor(*place: int | str) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> list[Any]:
    """The place that `encode_cursor` was given, of these kinds; refuses anything else: `BadCursor`."""
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        fits = isinstance(place, list) and [type(part) for part in place] == list(kinds)
        if fits and all(abs(part) < 2**63 if isinstance(part, int) else storable(part) == part for part in place):
            return list(place)
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise BadCursor("This cursor is not one that a list has given: begin without one.")


def encode_place(at: datetime, identity: UUID) -> str:
    """The cursor of a list by moment, whose rows of one moment stand by their ids."""
    return encode_cursor(at.isoformat(), str(identity))


def decode_place(cursor: str | None) -> tuple[datetime, UUID] | None:
    """What `encode_place` was given; refuses `BadCursor`."""
    if cursor is None:
        return None
    moment, identity = decode_cursor(cursor, str, str)
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is not None:
            return at.astimezone(UTC), UUID(identity)
    except (ValueError, OverflowError):
        pass
    raise BadCursor("This cursor is not one that a list has given: begin without one.")


Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the part before.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]

# For the gateway, which reads whole books: a part begins after the key of the last position of the part before.
Many = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Numbers = Annotated[Sequence[OrderNumber], Query(max_length=100, description="Only these.")]


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


def serve(app: FastAPI, settings: ServerSettings) -> None:
    """Answer HTTP until told to stop."""
    _allow_as_many_connections_as_possible()
    _leave_what_lasts_alone()
    config = server_config(app, host=settings.host, port=settings.port)
    server = _Server(config)
    sockets = [config.bind_socket()]
    if settings.listen_fd:
        sockets.append(socket.socket(fileno=settings.listen_fd))
    server.run(sockets)
    if not server.started:
        sys.exit(3)


def server_config(app: ASGIApp, **where: Any) -> uvicorn.Config:
    """How every process answers HTTP; what is still being answered when it is told to stop is given 3 seconds."""
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        **where,
    )


def _allow_as_many_connections_as_possible() -> None:
    """Each is an open file; by itself a process may have 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leave_what_lasts_alone() -> None:
    """Else the garbage collector looks through all that was imported again and again: a third of the gateway's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


class _Server(uvicorn.Server):
    """Sets `app.state.stopping` when told to stop: uvicorn lets an application end only after its last stream has."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.stopping.set()  # type: ignore[union-attr]
        await super().shutdown(sockets)
