"""What the documentation tells other programs is so: its program hears what is told, its table names every event."""

import asyncio
import os
import re
import sys
from pathlib import Path

from shared import asyncapi
from tests.system import System

DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = DOCS / "subscriber.py"


async def test_another_program_hears_that_an_order_is_paid(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        PROGRAM,
        env={**os.environ, "PURSER_AMQP_URL": purser.installation.broker_url("integrator")},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert program.stdout is not None
        async with asyncio.timeout(20):
            assert await program.stdout.readline() == b"listening\n"
            await customer.post(f"/orders/{number}/payments", {})
            while number.encode() not in (heard := await program.stdout.readline()):
                assert heard, "the program ended"
        assert b'"remaining_minor":0' in heard
    finally:
        program.kill()
        await program.communicate()


def test_the_documentation_names_every_event_and_only_fields_it_has() -> None:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+\.v\d+)` \|.*\|(.*)\|$", (DOCS / "events.md").read_text(), re.MULTILINE)
    events = {event.routing_key: event for event in asyncapi.published()}
    assert sorted(key for key, _ in rows) == sorted(events)
    for key, fields in rows:
        assert set(re.findall(r"`(\w+)`", fields)) <= set(events[key].model_fields), key
