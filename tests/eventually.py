"""Waiting for a fact, not for a time."""

import asyncio
from collections.abc import Awaitable, Callable

EVENTUALLY_SECONDS = 20.0


async def eventually(look: Callable[[], Awaitable[object]], what: str, seconds: float = EVENTUALLY_SECONDS) -> None:
    """Look until it is so; after `seconds` say what was waited for in vain."""
    last: object = None
    try:
        async with asyncio.timeout(seconds):
            while not (last := await look()):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what} (last seen: {last!r})") from None
