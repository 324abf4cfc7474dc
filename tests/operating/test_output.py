"""What a command says is its own, whatever else is at work in the process that tries it."""

import asyncio

import structlog

from tests.operating.conftest import Purser
from tests.shared.conftest import running

log = structlog.get_logger()


async def test_what_others_log_meanwhile_is_not_what_a_command_says(purser_command: Purser) -> None:
    async def talk() -> None:
        while True:
            log.warning("something else")
            await asyncio.sleep(0.001)

    async with running(talk()):
        said = (await purser_command("dead-letters", "list")).output
    assert "something else" not in said
    assert said
