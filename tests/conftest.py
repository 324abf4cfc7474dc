"""The servers are started once for all workers, by the process that hands out the tests; each worker has its own
databases and virtual host on them."""

import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.elsewhere import URL, out_of_reach, system_elsewhere
from tests.installation import Installation
from tests.servers import Servers, running_servers
from tests.system import System, running_system

_running = ExitStack()

# The same examples each time, and as long as they take: a test fails because of the code, not of the machine.
settings.register_profile("purser", derandomize=True, deadline=None)
settings.load_profile("purser")


def _workers(config: pytest.Config) -> list[str]:
    count = getattr(config.option, "numprocesses", None)
    return [f"gw{index}" for index in range(count)] if count else ["main"]


def pytest_sessionstart(session: pytest.Session) -> None:
    # By itself structlog draws a traceback with all that was in reach, for seconds.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    # And writes to whatever `sys.stdout` is at that moment, which is a command's output while one is tried.
    where = structlog.PrintLoggerFactory(sys.stdout)
    structlog.configure(
        [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, plain], logger_factory=where
    )
    if not hasattr(session.config, "workerinput") and not URL:
        workers = _workers(session.config)
        servers = _running.enter_context(running_servers([name for each in workers for name in names_of(each)]))
        session.config.stash[SERVERS] = servers


def pytest_configure_node(node: Any) -> None:
    if not URL:
        node.workerinput["servers"] = node.config.stash[SERVERS].as_input()


def pytest_unconfigure(config: pytest.Config) -> None:
    _running.close()


SERVERS = pytest.StashKey[Servers]()
PARTS, ALONE = "_parts", "_alone"


def names_of(worker: str) -> list[str]:
    """Of all its installations."""
    return [f"{worker}{kind}" for kind in ("", PARTS, ALONE)]


@asynccontextmanager
async def _installed(config: pytest.Config, kind: str = "") -> AsyncIterator[Installation]:
    """Databases and a virtual host of this worker's."""
    given = getattr(config, "workerinput", None)
    servers = Servers(**given["servers"]) if given else config.stash[SERVERS]
    worker = given["workerid"] if given else "main"
    mine = Installation(servers, f"{worker}{kind}")
    await mine.create()
    yield mine
    await mine.drop()


@pytest.fixture(scope="session")
async def installation(request: pytest.FixtureRequest) -> AsyncIterator[Installation]:
    """This worker's databases and virtual host, for the whole Purser that runs on them."""
    if URL:
        yield out_of_reach()
        return
    async with _installed(request.config) as mine:
        yield mine


@pytest.fixture(scope="session")
async def installation_of_parts(request: pytest.FixtureRequest) -> AsyncIterator[Installation]:
    """Others, for tests of one service or of the gateway: no worker takes what they tell."""
    async with _installed(request.config, PARTS) as mine:
        yield mine


@pytest.fixture(scope="session")
async def installation_alone(request: pytest.FixtureRequest) -> AsyncIterator[Installation]:
    """Others again, for tests that relay and listen themselves: nobody else fills tables and queues meanwhile."""
    async with _installed(request.config, ALONE) as mine:
        yield mine


@pytest.fixture(scope="session")
async def purser(installation: Installation) -> AsyncIterator[System]:
    """One running Purser per test worker, or one elsewhere; every test makes customers and orders of its own."""
    async with system_elsewhere(URL) if URL else running_system(installation) as system:
        yield system
