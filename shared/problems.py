"""Every failure as a problem (RFC 9457) that a person can act on and that shows nothing of our insides."""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.contracts.http.base import Problem
from shared.db import is_unreachable
from shared.errors import Busy, IdempotencyKeyInvalid, IdempotencyKeyMissing, InvalidRequest, Refusal, Unavailable
from shared.failure import kind_of, sqlstate
from shared.telemetry import current_id

MAX_BODY_BYTES = 64_000
MOST_ERRORS = 20
NO_JSON = "The body cannot be read as JSON, or says something twice."
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
    for status, description in (
        ("4XX", "Refused: nothing was changed"),
        (422, "Invalid: nothing was changed"),
        ("5XX", "It is not known whether it was done: send it again with the same key"),
    )
}

log = structlog.get_logger()


def problem(
    status: int,
    code: str,
    detail: str,
    headers: dict[str, str] | None = None,
    facts: Mapping[str, object] = MappingProxyType({}),
) -> Response:
    """An answer in the form of RFC 9457; `facts` are members of its own."""
    known = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    # A refusal says all there is to know, and two of the same are the same; who reports a bug needs something to name.
    if status >= 500 and (correlation_id := current_id()):
        known["correlation_id"] = correlation_id
    # ASCII, because a name that the client sent may hold what UTF-8 cannot: a lone surrogate.
    content = json.dumps({**facts, **known}, ensure_ascii=True, default=str)
    return Response(content, status, headers, media_type="application/problem+json")


def refused(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    headers: dict[str, str] = {}
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(refusal.status, refusal.code, refusal.sentence, headers, refusal.facts)


async def refuse(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refused(refusal)


def _field(place: Sequence[int | str]) -> str:
    return ".".join(str(part)[:100] for part in place)


def _message(error: Mapping[str, Any]) -> str:
    """pydantic's words, where they are ones for people."""
    if error["type"] == "string_pattern_mismatch":
        return "is not of the right form"
    if error["type"] == "model_attributes_type":
        return "a JSON object is needed, sent as application/json"
    return str(error["msg"]).removeprefix("Value error, ")


async def _refuse_invalid(request: Request, invalid: Exception) -> Response:
    """Name each field that is wrong, and never repeat its value: it may be a password."""
    assert isinstance(invalid, RequestValidationError)
    found = invalid.errors()
    errors = [{"field": _field(error["loc"]), "message": _message(error)} for error in found[:MOST_ERRORS]]
    first = found[0]
    if tuple(first["loc"]) == ("header", "Idempotency-Key"):
        if first["type"] == "missing":
            missing = "Send an Idempotency-Key header, so that sending this again is safe."
            return await refuse(request, IdempotencyKeyMissing(missing))
        return await refuse(
            request, IdempotencyKeyInvalid("An Idempotency-Key is 1 to 255 printable ASCII characters.")
        )
    if first["type"] == "json_invalid":
        return problem(400, "malformed_json", NO_JSON)
    sentence = "; ".join(f"{error['field']}: {error['message']}" for error in errors[:5])
    return await refuse(request, InvalidRequest(sentence, errors=errors))


async def _refuse_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {
        400: ("malformed_json", NO_JSON),
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", "This address does not take this method."),
        413: ("body_too_large", f"A body may have {MAX_BODY_BYTES} bytes at most."),
        415: ("encoded_body", "Send the body as it is, without a Content-Encoding."),
    }
    code, sentence = codes.get(error.status_code, ("refused", "The request was refused."))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return problem(error.status_code, code, sentence, headers)


def _allowed_methods(request: Request) -> list[str]:
    """All that this address takes; the framework names those of the first route that it finds there."""
    return [
        method
        for method in ("GET", "POST", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


async def _answer_database_error(request: Request, error: Exception) -> Response:
    if sqlstate(error) in ("55P03", "40P01", "40001"):
        return await refuse(request, Busy("Somebody else is changing this right now: send it again."))
    if is_unreachable(error):
        log.warning("database unavailable", error=kind_of(error))
        return await refuse(request, Unavailable("The database cannot be reached: send it again with the same key."))
    return await _answer_bug(request, error)


async def _answer_bug(_: Request, error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(500, "internal_error", "Something went wrong on our side. Send it again with the same key.")


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Refusal: refuse,
    RequestValidationError: _refuse_invalid,
    HTTPException: _refuse_http,
    DBAPIError: _answer_database_error,
    PoolTimeout: _answer_database_error,
    OSError: _answer_database_error,
    Exception: _answer_bug,
}
