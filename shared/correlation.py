"""One id through all services for all that one request causes, in logs, calls, messages and problems."""

import re
import time
from hashlib import sha256
from urllib.parse import quote
from uuid import uuid4

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Correlation-Id"
_SANE = re.compile(r"[A-Za-z0-9-]{8,64}")
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_TRACEPARENT = re.compile(rf"00-({_TRACE_ID.pattern})-(?!0{{16}})[0-9a-f]{{16}}-[0-9a-f]{{2}}")
_METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")

log = structlog.get_logger()
answered = Histogram(
    "purser_http_request_duration_seconds",
    "From a request's head to its answer's; method, route and status are known ones, or `other`",
    ["method", "route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


def trace_of(correlation_id: str) -> str:
    """The trace that bears this id: of the same id where it can be one."""
    if _TRACE_ID.fullmatch(correlation_id):
        return correlation_id
    return sha256(correlation_id.encode()).hexdigest()[:32]


def chosen(headers: Headers) -> str:
    """The trace that the caller is in, or the id they say, where it is a sane one; else a new one."""
    said = headers.get(HEADER, "")
    sane = said if _SANE.fullmatch(said) else ""
    if (in_trace := _TRACEPARENT.fullmatch(headers.get("traceparent", ""))) and trace_of(sane) != in_trace[1]:
        return in_trace[1]
    return sane or uuid4().hex


class CorrelationId:
    """Takes the caller's id or makes one, and sends it back; measures, and logs what may have changed something."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        correlation_id = chosen(Headers(scope=scope))
        begun = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = correlation_id
                _note(scope, message["status"], time.perf_counter() - begun)
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            await self.app(scope, receive, send_with_id)


def _note(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"]
    route = getattr(scope.get("route"), "path", "other")
    answered.labels(method if method in _METHODS else "other", route, status).observe(seconds)
    if method not in ("GET", "HEAD"):
        log.info("answered", method=method, path=quote(scope["path"]), status=status, ms=round(seconds * 1_000, 1))
