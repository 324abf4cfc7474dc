"""Spans by OpenTelemetry's conventions, in the trace that the correlation id names, without what must not be said."""

import secrets
import time
from collections.abc import Iterator, Sequence
from uuid import uuid4

import httpx2 as httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from structlog.testing import capture_logs

from deploy.local.ports import free_port
from shared import exporter, tracing
from shared.contracts.http.billing import PayForOrder
from shared.contracts.http.together import PAYMENTS, PaymentWanted
from shared.health import Health
from shared.together import One, answer_many
from shared.web import web_app
from tests.collector import running_collector
from tests.eventually import eventually
from tests.installation import serving
from tests.link import linked
from tests.shared.conftest import nothing

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Spans:
    """Those that have ended."""

    def __init__(self, share: float = 1) -> None:
        self.kept = InMemorySpanExporter()
        provider = TracerProvider(sampler=TraceIdRatioBased(share), id_generator=exporter.Ids())
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        tracing.trace_by(provider.get_tracer("test"))

    def ended(self, *traces: str) -> list[ReadableSpan]:
        """Of these traces: another system in this process may be at work."""
        return [span for span in self.kept.get_finished_spans() if trace_and_parent(span)[0] in traces]


@pytest.fixture
def spans() -> Iterator[Spans]:
    yield Spans()
    tracing.trace_by(None)


def trace_and_parent(span: ReadableSpan) -> tuple[str, str | None]:
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}" if span.parent else None


async def ask(*requests: tuple[str, str, dict[str, str]]) -> None:
    app = web_app("Test", nothing, Health({}))

    @app.get("/bugs/{number}")
    async def bug(number: int) -> None:
        raise KeyError("insides")

    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=30) as http:
        for method, path, headers in requests:
            await http.request(method, path, headers=headers)


@pytest.mark.parametrize(
    ("headers", "lies_in"),
    [
        ({"traceparent": f"00-{TRACE}-{CALLER}-01"}, (TRACE, CALLER)),
        ({"traceparent": f"00-{TRACE}-{CALLER}-00"}, (TRACE, None)),
        ({"X-Correlation-Id": TRACE}, (TRACE, None)),
        ({"X-Correlation-Id": "our-own-id"}, (tracing.trace_of("our-own-id"), None)),
        (
            {"traceparent": f"01-{TRACE}-{CALLER}-01", "X-Correlation-Id": "our-own-id"},
            (tracing.trace_of("our-own-id"), None),
        ),
    ],
)
async def test_a_request_lies_in_its_callers_span_if_the_caller_keeps_one(
    spans: Spans, headers: dict[str, str], lies_in: tuple[str, str | None]
) -> None:
    await ask(("GET", "/nothing", headers))
    assert [trace_and_parent(span) for span in spans.ended(TRACE, tracing.trace_of("our-own-id"))] == [lies_in]


async def test_a_span_says_what_happened_and_not_what_was_written(spans: Spans) -> None:
    asked = (
        ("GET", "/bugs/7?secret=word"),
        ("GET", "/bugs/secret-word"),
        ("PROPFIND", "/secret/word"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
    )
    await ask(*((*each, {"X-Correlation-Id": TRACE}) for each in asked))
    bug, refused, odd = spans.ended(TRACE)
    assert (bug.name, refused.name, odd.name) == ("GET /bugs/{number}", "GET /bugs/{number}", "HTTP")
    common = {"url.scheme": "http", "http.request.method": "GET", "http.route": "/bugs/{number}"}
    assert bug.attributes == {**common, "http.response.status_code": 500, "error.type": "500"}
    assert refused.attributes == {**common, "http.response.status_code": 422}
    assert odd.attributes == {"url.scheme": "http", "http.request.method": "_OTHER", "http.response.status_code": 404}
    assert [span.status.is_ok for span in (bug, refused, odd)] == [False, True, True]
    assert all("insides" not in span.to_json() and "ecret" not in span.to_json() for span in (bug, refused, odd))


async def test_every_process_keeps_the_same_share_of_the_traces() -> None:
    rows = [{"correlation_id": secrets.token_hex(16), "event_id": uuid4(), "routing_key": "a.b"} for _ in range(200)]
    kept = []
    for _ in range(2):
        spans, headers = Spans(share=0.5), list[dict[str, str]]()
        for row in rows:
            headers.append({})
            with tracing.publishing(row, headers[-1]):
                pass
        kept.append({trace_and_parent(span)[0] for span in spans.ended(*(str(row["correlation_id"]) for row in rows))})
        assert {each["traceparent"][3:35] for each in headers if each} == kept[-1]
    tracing.trace_by(None)
    assert kept[0] == kept[1]
    assert 60 < len(kept[0]) < 140


def test_an_event_that_is_given_up_or_breaks_off_is_seen_to(spans: Spans) -> None:
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    with tracing.taking("a.queue", "a.b", uuid4(), headers) as span:
        tracing.given_up(span)
    with pytest.raises(KeyError), tracing.taking("a.queue", "a.b", uuid4(), headers):
        raise KeyError("insides")
    with tracing.taking("a.queue", "a.b", uuid4(), {"traceparent": f"00-{TRACE}-{CALLER}-00"}) as span:
        assert span is None
    letter, broken = spans.ended(TRACE)
    assert [trace_and_parent(span) for span in (letter, broken)] == [(TRACE, CALLER)] * 2
    assert (letter.attributes or {})["error.type"] == "dead_letter"
    assert (broken.attributes or {})["error.type"] == "KeyError"
    assert "insides" not in broken.to_json()


async def test_what_gets_lost_is_said_once_and_that_it_does_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    monkeypatch.setattr(exporter, "ANSWER_SECONDS", 0.5)

    async def work_until(line: str) -> None:
        async def look() -> bool:
            with tracing.answering({}, "http", "/"):
                pass
            return line in [said["event"] for said in logs]

        await eventually(look, line)

    async with running_collector() as collector, linked("127.0.0.1", collector.port) as wire:
        with capture_logs() as logs, exporter.exporting(f"http://127.0.0.1:{wire.local_port}", 1):
            with wire.cut():
                await work_until("traces are lost")
            await work_until("traces arrive again")
            told = [said["event"] for said in logs if said["event"].startswith("traces ")]
            assert told == ["traces are lost", "traces arrive again"]


def test_a_process_ends_in_time_though_nobody_takes_its_last_spans() -> None:
    with exporter.exporting(f"http://127.0.0.1:{free_port()}", 1):
        with tracing.answering({}, "http", "/"):
            pass
        begun = time.monotonic()
    assert time.monotonic() - begun < 3


async def test_each_of_many_has_a_span_of_its_own_that_ends_even_where_all_of_them_fail(spans: Spans) -> None:
    traces = [secrets.token_hex(16) for _ in range(2)]
    asked = [
        PaymentWanted(
            thing=f"ORD-{number:010}",
            wanted=PayForOrder(),
            login="admin",
            role="admin",
            idempotency_key="key",
            traceparent=f"00-{trace}-{CALLER}-01",
        )
        for number, trace in enumerate(traces)
    ]

    async def fail(ones: Sequence[One[str]]) -> Sequence[None]:
        raise KeyError("insides")

    with pytest.raises(KeyError):
        await answer_many([One(PAYMENTS, each) for each in asked], fail)
    assert [trace_and_parent(span) for span in spans.ended(*traces)] == [(trace, CALLER) for trace in traces]
