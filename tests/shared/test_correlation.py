"""One id for all that a request causes: the caller's trace, the id they say, or a new one."""

import re
import subprocess
import sys
from collections.abc import Mapping

import httpx2 as httpx
import pytest
from prometheus_client import REGISTRY
from starlette.datastructures import Headers
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from shared.correlation import chosen
from shared.health import Health
from shared.tracing import trace_of
from shared.web import web_app
from tests.installation import serving
from tests.shared.conftest import nothing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OF_ITS_OWN = f"00-{trace_of('our-own-id')}-00f067aa0ba902b7-01"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("headers", "is_chosen"),
    [
        ({"traceparent": PARENT}, TRACE),
        ({"traceparent": PARENT, "X-Correlation-Id": "another-id"}, TRACE),
        (
            {"traceparent": OF_ITS_OWN, "X-Correlation-Id": "our-own-id"},
            "our-own-id",
        ),
        ({"X-Correlation-Id": "another-id"}, "another-id"),
        ({"X-Correlation-Id": "no good"}, None),
        ({"X-Correlation-Id": "x" * 65}, None),
        ({"traceparent": PARENT.upper()}, None),
        ({"traceparent": PARENT + "-more"}, None),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, None),
        ({}, None),
    ],
)
def test_the_id_is_the_callers_where_it_is_a_sane_one(headers: Mapping[str, str], is_chosen: str | None) -> None:
    given = chosen(Headers(headers))
    assert given == is_chosen or (is_chosen is None and re.fullmatch("[0-9a-f]{32}", given))
    assert re.fullmatch("[0-9a-f]{32}", trace_of(given))


async def test_a_bug_is_answered_and_logged_with_the_id_and_the_connection_stays() -> None:
    app = web_app("Test", nothing, Health({}))

    @app.get("/bugs/{number}")
    async def bug(number: int) -> None:
        raise KeyError("insides")

    def measured() -> list[float]:
        asked = (("GET", "/bugs/{number}", "500"), ("GET", "/bugs/{number}", "422"), ("other", "other", "404"))
        name, labels = "purser_http_request_duration_seconds_count", ("method", "route", "status")
        return [REGISTRY.get_sample_value(name, dict(zip(labels, each, strict=True))) or 0 for each in asked]

    before = measured()
    with capture_logs(processors=[merge_contextvars]) as logs:
        async with (
            serving(app) as url,
            httpx.AsyncClient(base_url=url, timeout=30, headers={"traceparent": PARENT}) as http,
        ):
            answers = [await http.get("/bugs/1"), await http.get("/bugs/x"), await http.request("PROPFIND", "/none")]
    for answer, status in zip(answers, (500, 422, 404), strict=True):
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["x-correlation-id"] == TRACE
        assert answer.json().get("correlation_id") == (TRACE if status == 500 else None)
        assert "insides" not in answer.text
    # Another system in the same process logs what it does.
    ours = [line["event"] for line in logs if line.get("correlation_id") == TRACE]
    assert sorted(ours) == ["answered", "unexpected error"]
    assert measured() == [count + 1 for count in before]


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_of_the_log_names_the_id_in_either_form(form: str) -> None:
    program = (
        "import structlog; from shared.telemetry import configure_logging;"
        f"configure_logging('orders-worker', '{form}', 'info');"
        "structlog.contextvars.bind_contextvars(correlation_id='our-own-id');"
        "structlog.get_logger().info('it happened', queue='a queue')"
    )
    line = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    assert len(line.splitlines()) == 1
    for said in ("it happened", "orders-worker", "our-own-id", "a queue"):
        assert said in line
    assert (form == "json") == line.startswith("{")
