"""Sends the spans of this process to an OpenTelemetry collector. Nobody imports it where none is named: its libraries
take memory."""

import logging
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from shared import tracing
from shared.telemetry import current_id, current_process

# So long the collector may take for a batch; meanwhile a few thousand spans wait, and what is more is dropped.
ANSWER_SECONDS = 5.0
# A process that ends waits no longer than this for its last spans to leave.
ENDING_SECONDS = 1.0

log = structlog.get_logger()


@contextmanager
def exporting(endpoint: str, share: float) -> Iterator[None]:
    """Keep this share of the traces, the same ones in every process, and send them meanwhile."""
    # It logs every batch that was not taken.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    provider = TracerProvider(
        sampler=TraceIdRatioBased(share),
        resource=Resource.create({SERVICE_NAMESPACE: "purser", SERVICE_NAME: current_process()}),
        id_generator=Ids(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(_Exporter(endpoint)))
    tracing.trace_by(provider.get_tracer("purser"))
    try:
        yield
    finally:
        tracing.trace_by(None)
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(ENDING_SECONDS)


class Ids(IdGenerator):
    """A trace is its correlation id's."""

    def generate_trace_id(self) -> int:
        correlation_id = current_id()
        return int(tracing.trace_of(correlation_id), 16) if correlation_id else random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        return tracing.own_id.get() or random.getrandbits(64) or 1


class _Exporter(OTLPSpanExporter):
    """Says once when spans get lost, and once when they do no more."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"{endpoint.rstrip('/')}/v1/traces", timeout=ANSWER_SECONDS)
        self._arrives = True
        self._context = copy_context()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        arrives = result is SpanExportResult.SUCCESS
        if arrives != self._arrives:
            self._arrives = arrives
            self._context.run(
                log.info if arrives else log.warning, "traces arrive again" if arrives else "traces are lost"
            )
        return result
