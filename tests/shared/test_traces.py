"""What a payment causes is one trace, from the click through all processes to the push, where somebody collects it; who
does not, or cannot just now, pays nothing for it."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from shared.db import Database
from shared.messaging import EVENTS
from tests.collector import Collector, running_collector
from tests.eventually import eventually
from tests.installation import PACKAGES, PASSWORD_SECRET, Installation
from tests.link import Link, linked
from tests.people import Person
from tests.process import Process, running_process
from tests.system import System, opened_system

BALANCE, PAID, CHANGED = (
    f"{EVENTS}:{key}.v1" for key in ("billing.balance_changed", "billing.order_paid", "orders.order_changed")
)
CLICK = ("gateway", "POST /api/portal/orders/{number}/payments")
ASKED = ("gateway", "POST")
ANSWERED = ("billing-api", "POST /orders/{order_number}/payments")
TOLD_BALANCE, TOLD_PAID = ("billing-api", f"create {BALANCE}"), ("billing-api", f"create {PAID}")
TAKEN = ("orders-worker", f"process {PAID}:orders.on.billing.order_paid.v1")
TOLD_CHANGED = ("orders-worker", f"create {CHANGED}")
# Each span, and within which one it lies.
PAYMENT = {
    CLICK: None,
    ASKED: CLICK,
    ANSWERED: ASKED,
    TOLD_BALANCE: ANSWERED,
    TOLD_PAID: ANSWERED,
    ("billing-worker", f"publish {BALANCE}"): TOLD_BALANCE,
    ("gateway", f"process {BALANCE}:gateway.live"): TOLD_BALANCE,
    ("billing-worker", f"publish {PAID}"): TOLD_PAID,
    TAKEN: TOLD_PAID,
    TOLD_CHANGED: TAKEN,
    ("orders-worker", f"publish {CHANGED}"): TOLD_CHANGED,
    ("gateway", f"process {CHANGED}:gateway.live"): TOLD_CHANGED,
}


@dataclass
class Traced:
    """A Purser whose processes tell a collector what they do, over a wire that can be cut."""

    purser: System
    collector: Collector
    wire: Link

    async def pay(self, customer: Person, number: str) -> str:
        """As the sites do, until the browser shows it; gives the click's trace."""
        trace = secrets.token_hex(16)
        async with customer.live() as browser:
            await browser.shows("snapshot")
            customer.http.headers["traceparent"] = f"00-{trace}-{secrets.token_hex(8)}-00"
            answer = await customer.ask("POST", f"/orders/{number}/payments", {})
            del customer.http.headers["traceparent"]
            assert answer.status_code == 201, answer.text
            assert answer.headers["x-correlation-id"] == trace
            await browser.shows("order_changed", number=number, status="paid")
        return trace


@pytest.fixture(scope="module")
async def traced(installation: Installation) -> AsyncIterator[Traced]:
    """Its processes as they really run, but for support's, which a payment does not need."""
    async with AsyncExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        collector = await stack.enter_async_context(running_collector())
        wire = await stack.enter_async_context(linked("127.0.0.1", collector.port))
        endpoint = f"http://127.0.0.1:{wire.local_port}"

        async def running(module: str, user: str, **told: str) -> Process:
            process = running_process(module, installation, user, traces_endpoint=endpoint, **told)
            return await stack.enter_async_context(process)

        services = ("orders", "billing")
        orders, billing, *_ = await asyncio.gather(
            *(running(f"services.{service}.{kind}", service) for kind in ("api", "worker") for service in services)
        )
        gateway = await running(
            "gateway.app",
            "gateway",
            caller_private_key=installation.private_key,
            password_secret=PASSWORD_SECRET,
            orders_url=orders.url,
            billing_url=billing.url,
            support_url=orders.url,
        )
        databases = {name: Database(installation.database_url(name)) for name in PACKAGES}
        yield Traced(await opened_system(stack, installation, gateway.url, databases, {}), collector, wire)


async def test_a_payment_is_one_trace_from_the_click_to_the_push(traced: Traced) -> None:
    customer = await traced.purser.new_customer(1_000)
    number = await traced.purser.new_order(customer, 600)
    spans = await traced.collector.holds(await traced.pay(customer, number), len(PAYMENT))
    named = {span.id: (span.process, span.name) for span in spans}
    assert len(named) == len(spans)
    assert {named[span.id]: named[span.parent] if span.parent else None for span in spans} == PAYMENT

    # Each process tells the collector of its own when it likes.
    said = {named[span.id]: span.attributes for span in spans}
    assert said[CLICK] == {
        "url.scheme": "http",
        "http.request.method": "POST",
        "http.route": "/api/portal/orders/{number}/payments",
        "http.response.status_code": 201,
    }
    assert said[TAKEN].items() >= {"messaging.system": "rabbitmq", "messaging.operation.type": "process"}.items()
    held = " ".join(str(value) for span in spans for value in span.attributes.values())
    assert [word for word in (number, customer.id, customer.login) if word in held] == []


@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_a_lost_collector_is_nobodys_trouble(traced: Traced, how: str) -> None:
    customer = await traced.purser.new_customer(1_000)
    meanwhile = await traced.purser.new_order(customer, 1)
    with traced.wire.cut() if how == "cut" else traced.wire.silent():
        await traced.pay(customer, meanwhile)
    later: list[str] = []

    async def one_is_whole() -> bool:
        """What a process sends on a connection that has gone deaf is lost, until it finds out."""
        later.append(await traced.pay(customer, await traced.purser.new_order(customer, 1)))
        return any(len(traced.collector.trace(trace)) == len(PAYMENT) for trace in later)

    await eventually(one_is_whole, "a later payment's trace is whole")


def test_who_collects_no_traces_does_not_even_import_what_exports_them() -> None:
    program = """
import sys
import gateway.app, services.billing.api, services.billing.worker, services.orders.worker, services.support.worker
from shared import serving, tracing
from shared.settings import ServerSettings
with serving._traced(ServerSettings(port=1)):
    print(tracing.is_on(), [name for name in sys.modules if name.startswith(
        ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google.protobuf", "requests"))])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False []\n"
