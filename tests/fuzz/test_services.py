"""The services believe the gateway who asks, and nothing else: what is bad in a body, each refuses by itself."""

from uuid import UUID

import httpx2 as httpx
import pytest

from shared.auth import Caller, Role
from tests.client import refusal
from tests.fuzz.bodies import bad_bodies
from tests.fuzz.signed import Signed
from tests.installation import SERVICES, serving
from tests.system import System, service_api

FUZZER = Caller("fuzzer", Role.ADMIN)
SOME_ID = UUID("00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_bad_in_any_field_is_taken_and_nothing_remembered(purser: System, service: str) -> None:
    app = service_api(purser.installation, service)
    document, tried = app.openapi(), 0
    async with (
        serving(Signed(app, purser.installation, service, FUZZER)) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        http.headers.update({"Content-Type": "application/json", "Idempotency-Key": "a key"})
        for path, operations in document["paths"].items():
            address = path.format(
                number="ORD-0000000023", order_number="ORD-0000000023", line=1, customer_id=SOME_ID, ticket_id=SOME_ID,
                hold_id=SOME_ID,
            )  # fmt: skip
            for method, operation in operations.items():
                schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                for body in bad_bodies(schema, document) if schema else ():
                    answer = await http.request(method, address, content=body)
                    assert refusal(answer)[0] in (400, 413, 422), f"{method} {path} {body[:300]!r}"
                    tried += 1
    assert tried > 50
    assert await purser.rows(service, "SELECT 1 FROM idempotency_keys WHERE scope LIKE 'fuzzer %'") == []
