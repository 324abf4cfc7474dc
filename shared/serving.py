"""A process that answers HTTP, from its sockets to its orderly end."""

import asyncio
import gc
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.connections import Connection
from shared.messaging import is_set_within
from shared.settings import ServerSettings

# How old the answers' `Date` may be.
LOOK_SECONDS = 1.0


def serve(app: FastAPI, settings: ServerSettings) -> None:
    """Answer HTTP until told to stop."""
    _allow_as_many_connections_as_possible()
    _leave_what_lasts_alone()
    config = server_config(app, host=settings.host, port=settings.port)
    server = _Server(config)
    sockets = [config.bind_socket()]
    if settings.listen_fd:
        sockets.append(socket.socket(fileno=settings.listen_fd))
    with _traced(settings):
        server.run(sockets)
    if not server.started:
        sys.exit(3)


@contextmanager
def _traced(settings: ServerSettings) -> Iterator[None]:
    if not settings.traces_endpoint:
        yield
        return
    # Its libraries are not for those who do without.
    from shared.exporter import exporting

    with exporting(settings.traces_endpoint, settings.traces_share):
        yield


def server_config(app: ASGIApp, **where: Any) -> uvicorn.Config:
    """How every process answers HTTP; what is still being answered when it is told to stop is given 3 seconds."""
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        **where,
    )


def _allow_as_many_connections_as_possible() -> None:
    """Each is an open file; by itself a process may have 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leave_what_lasts_alone() -> None:
    """Else the garbage collector looks through all that was imported again and again: a third of the gateway's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


class _Server(uvicorn.Server):
    """Sets `app.state.stopping` when told to stop: uvicorn lets an application end only after its last stream has."""

    _tell: Callable[[], object] = staticmethod(lambda: None)

    async def main_loop(self) -> None:
        """uvicorn's own looks ten times a second whether it was told to stop: a fifth of what an idle system uses."""
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        self._tell = lambda: loop.call_soon_threadsafe(told.set)
        while not await self.on_tick(0):
            await is_set_within(told, LOOK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.stopping.set()  # type: ignore[union-attr]
        await super().shutdown(sockets)
