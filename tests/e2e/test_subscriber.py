"""The program that the documentation shows hears what is told."""

import asyncio
import os
import sys
from pathlib import Path

from tests.system import System

PROGRAM = Path(__file__).parents[2] / "docs" / "subscriber.py"


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
