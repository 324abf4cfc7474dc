"""What a process says of itself: whether it is alive, whether it can serve, and what somebody should look at."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import QueuePool, text

from shared.contracts.http.base import View
from shared.db import Database
from shared.problems import problem

ANSWER_SECONDS = 2.0

log = structlog.get_logger()
connections_in_use = Gauge("purser_database_connections_in_use", "Of this process, to its database")
most_connections = Gauge("purser_database_connections_most", "That this process may have to its database")
Check = Callable[[], Awaitable[None]]
Notices = dict[str, str]
"""Sentences for people, each under a name for programs."""


class NotReady(Exception):
    """Why a process cannot do its work, as a sentence for people."""


class Readiness(View):
    """That a process can serve. Warnings are for somebody to look at: starting it again would not help."""

    status: Literal["ready"] = "ready"
    warnings: list[str]


@dataclass
class Health:
    """`checks` are made when somebody asks; `obstacles` and `warnings` are what those found who watch all the time.

    A check that fails and an obstacle make the process not ready, a warning does not.
    """

    checks: dict[str, Check]
    obstacles: Notices = field(default_factory=dict)
    warnings: Notices = field(default_factory=dict)

    async def reasons(self) -> Notices:
        """Why it is not ready; nothing where it is."""
        failed = {name: why for name, check in self.checks.items() if (why := await self._ask(name, check))}
        return {**self.obstacles, **failed}

    async def _ask(self, name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await check()
        except NotReady as why:
            return str(why)
        except Exception as error:
            return f"The {name} cannot be reached ({type(error).__name__})."
        return ""


def note(notices: Notices, name: str, sentence: str | None) -> None:
    """This is so now; None: it is so no more."""
    if sentence is None:
        notices.pop(name, None)
    else:
        if name not in notices:
            log.warning("noticed", name=name, sentence=sentence)
        notices[name] = sentence


def health_routes(health: Health) -> APIRouter:
    """`/healthz`: the process is alive. `/readyz`: it can serve, or says why not. `/metrics`."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", response_model=Readiness)
    async def readyz(request: Request) -> Any:
        reasons = await health.reasons()
        if request.app.state.stopping.is_set():
            reasons["stopping"] = "It was told to stop."
        warnings = list(health.warnings.values())
        if reasons:
            log.warning("not ready", reasons=reasons)
            return problem(
                503,
                "not_ready",
                " ".join(reasons.values()),
                {"Retry-After": "1"},
                {"reasons": reasons, "warnings": warnings},
            )
        return Readiness(warnings=warnings)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def database_check(database: Database) -> Check:
    """That it answers; its connections are counted as well."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    connections_in_use.set_function(pool.checkedout)
    most_connections.set_function(pool.size)

    async def check() -> None:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    return check
