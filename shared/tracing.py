"""What a request causes, as spans for OpenTelemetry: from the gateway through services and events to the push.

A trace is all that bears one correlation id. Where nobody collects traces there is no tracer, and all this costs
nothing. Names and attributes are those of OpenTelemetry's semantic conventions; none holds what people write, nor a
path, nor what an error says.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from hashlib import sha256
from typing import Any
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.util.types import AttributeValue

from shared.contracts.http.together import ALL
from shared.messaging import EVENTS

HEADER = "traceparent"
TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
TRACEPARENT = re.compile(rf"00-({TRACE_ID.pattern})-((?!0{{16}})[0-9a-f]{{16}})-([0-9a-f]{{2}})")
# Asked for all the time, by machines; or for many, each of whom has a span of their own.
_UNSEEN = {"/healthz", "/readyz", "/metrics", *(kind.path for kind in ALL)}
_NONE = nullcontext()

_tracer: Tracer | None = None
own_id: ContextVar[int | None] = ContextVar("own_id", default=None)
"""The id of the span that begins next, where it is not to be a random one."""


def trace_of(correlation_id: str) -> str:
    """The trace that bears this id: of the same id where it can be one."""
    if TRACE_ID.fullmatch(correlation_id):
        return correlation_id
    return sha256(correlation_id.encode()).hexdigest()[:32]


def is_on() -> bool:
    return _tracer is not None


def trace_by(tracer: Tracer | None) -> None:
    """From now on spans are begun by `tracer`; None: there are none."""
    global _tracer
    _tracer = tracer


# --- Requests ---------------------------------------------------------------------------------------------------------


def answering(headers: Mapping[str, str], scheme: str, path: str) -> AbstractContextManager[Span | None]:
    """A request, until its answer begins; within its caller's span, where the caller keeps theirs."""
    if _tracer is None or path in _UNSEEN:
        return _NONE
    asked_in = _said(headers.get(HEADER)) or Context()
    return _lasting(_tracer.start_span("HTTP", asked_in, SpanKind.SERVER, {"url.scheme": scheme}))


def answered(span: Span | None, method: str | None, route: str | None, status: int) -> None:
    """What follows the answer's head may be a stream that lasts for hours: the span ends here."""
    if span is None:
        return
    span.update_name(f"{method or 'HTTP'} {route or ''}".rstrip())
    span.set_attribute("http.request.method", method or "_OTHER")
    if route:
        span.set_attribute("http.route", route)
    _conclude(span, status, failed_from=500)
    span.end()


def asking(service: str, method: str, headers: MutableMapping[str, str]) -> AbstractContextManager[Span | None]:
    """What a request asks of a service, which learns from `headers` in which span."""
    if _tracer is None or not _is_in_a_trace():
        return _NONE
    about = {"http.request.method": method, "server.address": service}
    span = _tracer.start_span(method, kind=SpanKind.CLIENT, attributes=about)
    headers[HEADER] = _named(span.get_span_context())
    return _lasting(span)


def told(span: Span | None, status: int) -> None:
    """The service's answer."""
    if span is not None:
        _conclude(span, status, failed_from=400)


def _conclude(span: Span, status: int, failed_from: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= failed_from:
        _failed(span, str(status))


# --- Events -----------------------------------------------------------------------------------------------------------


def recorded(event_id: UUID, routing_key: str) -> None:
    """An event is told. This span's id is half of the event's, so that whoever publishes the event knows it, though
    the outbox does not."""
    if _tracer is None or not _is_in_a_trace():
        return
    chosen = own_id.set(_half(event_id))
    _begin(_tracer, "create", SpanKind.PRODUCER, f"{EVENTS}:{routing_key}", event_id).end()
    own_id.reset(chosen)


def publishing(row: Mapping[str, Any], headers: MutableMapping[str, Any]) -> AbstractContextManager[Span | None]:
    """The event of an outbox's row on its way to the broker; who hears it learns from `headers` in which span it was
    told."""
    if _tracer is None or row["correlation_id"] is None:
        return _NONE
    told_in = _told_in(row)
    destination = f"{EVENTS}:{row['routing_key']}"
    span = _begin(_tracer, "publish", SpanKind.CLIENT, destination, row["event_id"], _within(told_in))
    if span.is_recording():
        headers[HEADER] = _named(told_in)
    return _lasting(span)


def published(span: Span | None, error: BaseException | None) -> None:
    """The broker has the event for certain, or this has come of it instead."""
    if span is not None and error is not None:
        _failed(span, type(error).__name__)


def told_in(row: Mapping[str, Any]) -> str | None:
    """The span in which an outbox's event was told, for who hears it; its trace may not be kept."""
    return None if _tracer is None or row["correlation_id"] is None else _named(_told_in(row))


def _told_in(row: Mapping[str, Any]) -> SpanContext:
    trace_id = int(trace_of(row["correlation_id"]), 16)
    return SpanContext(trace_id, _half(row["event_id"]), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def taking(
    queue: str, routing_key: str, event_id: object, headers: Mapping[str, object]
) -> AbstractContextManager[Span | None]:
    """An event in hand, until it has taken effect: within the span in which it was told, if that is kept."""
    if _tracer is None or (told_in := _said(headers.get(HEADER))) is None:
        return _NONE
    destination = f"{EVENTS}:{routing_key}:{queue}"
    return _lasting(_begin(_tracer, "process", SpanKind.CONSUMER, destination, event_id, told_in))


def given_up(span: Span | None) -> None:
    """The event became a dead letter."""
    if span is not None:
        _failed(span, "dead_letter")


def _begin(
    tracer: Tracer, operation: str, kind: SpanKind, destination: str, message_id: object, within: Context | None = None
) -> Span:
    about: dict[str, AttributeValue] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": operation,
        "messaging.operation.type": "send" if operation == "publish" else operation,
        "messaging.destination.name": destination,
        "messaging.message.id": str(message_id),
    }
    return tracer.start_span(f"{operation} {destination}", within, kind, about)


# --- Spans ------------------------------------------------------------------------------------------------------------


@contextmanager
def _lasting(span: Span) -> Iterator[Span]:
    """Current while this lasts, then at its end. Of an error it says the kind."""
    try:
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield span
    except BaseException as error:
        _failed(span, type(error).__name__)
        raise
    finally:
        if span.is_recording():
            span.end()


def _failed(span: Span, kind: str) -> None:
    if span.is_recording():
        span.set_attribute("error.type", kind)
        span.set_status(StatusCode.ERROR)


def _is_in_a_trace() -> bool:
    return get_current_span().get_span_context().is_valid


def _half(event_id: UUID) -> int:
    return event_id.int & (1 << 64) - 1


def _within(span: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(span), Context())


def _said(traceparent: object) -> Context | None:
    """The span that is named, if it is kept anywhere."""
    found = TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    if found is None or not (flags := TraceFlags(int(found[3], 16))).sampled:
        return None
    return _within(SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags))


def _named(span: SpanContext) -> str:
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags & TraceFlags.SAMPLED:02x}"
