"""A process that answers HTTP ends when it is told to."""

import asyncio
import signal

import pytest
from fastapi import FastAPI

from shared.serving import _Server, server_config


async def test_who_is_told_to_stop_does_not_look_again_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.serving.LOOK_SECONDS", 3600.0)
    config = server_config(FastAPI())
    config.load()
    server = _Server(config)
    serving, looked = asyncio.create_task(server.main_loop()), asyncio.Event()

    async def look(counter: int, on_tick=server.on_tick) -> bool:  # type: ignore[no-untyped-def]
        looked.set()
        return bool(await on_tick(counter))

    monkeypatch.setattr(server, "on_tick", look)
    await looked.wait()
    server.handle_exit(signal.SIGTERM, None)
    async with asyncio.timeout(10):
        await serving
