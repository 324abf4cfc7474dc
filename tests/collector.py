"""An OpenTelemetry collector, as far as tests need one: it keeps the spans that it is sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.eventually import eventually
from tests.installation import serving


@dataclass(frozen=True)
class Kept:
    """A span."""

    process: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, str | int]


@dataclass
class Collector:
    """Where it answers on this machine, and what it was sent."""

    port: int = 0
    spans: list[Kept] = field(default_factory=list)

    def trace(self, trace: str) -> list[Kept]:
        return [span for span in self.spans if span.trace == trace]

    async def holds(self, trace: str, count: int) -> list[Kept]:
        """The spans of a trace, once there are so many."""

        async def look() -> bool:
            return len(self.trace(trace)) >= count

        await eventually(look, f"{count} spans are in the trace {trace}: {self.trace(trace)}")
        return self.trace(trace)

    async def take(self, request: Request) -> Response:
        sent = ExportTraceServiceRequest.FromString(await request.body())
        for group in sent.resource_spans:
            process = str(_values(group.resource.attributes)["service.name"])
            for scope in group.scope_spans:
                for span in scope.spans:
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    self.spans.append(Kept(process, span.name, span.kind, *ids, _values(span.attributes)))
        return Response()


def _values(attributes: "list[KeyValue]") -> dict[str, str | int]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])
    async with serving(app) as url:
        collector.port = int(url.rpartition(":")[2])
        yield collector
