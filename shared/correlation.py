"""One id through all services for all that one request causes, in logs, calls, messages and problems."""

import re
import secrets
import time
from urllib.parse import quote

import structlog
from opentelemetry.trace import Span
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import tracing
from shared.tracing import TRACEPARENT, trace_of

HEADER = "X-Correlation-Id"
_SANE = re.compile(r"[A-Za-z0-9-]{8,64}")
_METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")

log = structlog.get_logger()
answered = Histogram(
    "purser_http_request_duration_seconds",
    "From a request's head to its answer's; method, route and status are known ones, or `other`",
    ["method", "route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


def chosen(headers: Headers) -> str:
    """The trace that the caller is in, or the id they say, where it is a sane one; else a new one."""
    said = headers.get(HEADER, "")
    sane = said if _SANE.fullmatch(said) else ""
    if (in_trace := TRACEPARENT.fullmatch(headers.get(tracing.HEADER, ""))) and trace_of(sane) != in_trace[1]:
        return in_trace[1]
    # Traces are kept or not by what their ids end on, which of a UUID is not wholly random.
    return sane or secrets.token_hex(16)


class CorrelationId:
    """Takes the caller's id or makes one, and sends it back; measures, and logs what may have changed something."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        correlation_id = chosen(headers)
        begun = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = correlation_id
                route = getattr(scope.get("route"), "path", None)
                seconds = time.perf_counter() - begun
                note(scope["method"], scope["path"], route, message["status"], seconds, span)
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(correlation_id=correlation_id),
            tracing.answering(headers, scope["scheme"], scope["path"]) as span,
        ):
            await self.app(scope, receive, send_with_id)


def note(method: str, path: str, route: str | None, status: int, seconds: float, span: Span | None) -> None:
    """What was answered, in the metrics, the trace and the log."""
    known = method in _METHODS
    answered.labels(method if known else "other", route or "other", status).observe(seconds)
    tracing.answered(span, method if known else None, route, status)
    if method not in ("GET", "HEAD"):
        log.info("answered", method=method, path=quote(path), status=status, ms=round(seconds * 1_000, 1))
