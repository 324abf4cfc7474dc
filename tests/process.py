"""A process of Purser's as it really runs: by itself, told by its environment, and stopped by a signal."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx

from deploy.local.ports import free_port
from tests.eventually import eventually
from tests.installation import Installation

ROOT = Path(__file__).parents[1]


@dataclass
class Process:
    """A running one, and where it answers."""

    url: str
    child: asyncio.subprocess.Process

    async def is_ready(self) -> bool:
        assert self.child.returncode is None, f"it ended with {self.child.returncode}"
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def stop(self) -> float:
        """Tell it to stop, and give how many seconds that took."""
        begun = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        await self.child.wait()
        return time.monotonic() - begun


@asynccontextmanager
async def running_process(module: str, installation: Installation, user: str, **told: str) -> AsyncIterator[Process]:
    """`python -m module`, once it is ready; `user` is its name at the database and the broker."""
    port = free_port()
    given = {
        "port": str(port),
        "database_url": installation.database_url(user),
        **({} if module.endswith(".api") else {"broker_url": installation.broker_url(user)}),
        **({"caller_public_keys": installation.public_key} if module.endswith(".api") else {}),
        **told,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PURSER_")}
    environment |= {f"PURSER_{name.upper()}": value for name, value in given.items()}
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", module, cwd=ROOT, env=environment)
    process = Process(f"http://127.0.0.1:{port}", child)
    try:
        await eventually(process.is_ready, f"{module} is ready", seconds=120)
        yield process
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
