"""One test worker's own Purser on the servers: databases, virtual host, keys, and all processes in this one."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.engine import make_url
from starlette.types import ASGIApp

from deploy.postgres.provision import provision
from shared.migrations import upgrade
from shared.serving import server_config
from tests.servers import PASSWORD, Servers

SERVICES = ("orders", "billing", "support")
PASSWORD_SECRET = "for-tests-only-and-every-gateway's-alike"
PACKAGES = {**{name: f"services.{name}" for name in SERVICES}, "gateway": "gateway"}


@dataclass(frozen=True)
class Installation:
    """Where one worker's databases and virtual host are."""

    servers: Servers
    worker: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def private_key(self) -> str:
        return base64.b64encode(self.key.private_bytes_raw()).decode()

    @property
    def public_key(self) -> str:
        return base64.b64encode(self.key.public_key().public_bytes_raw()).decode()

    def database_url(self, service: str, owner: bool = False) -> str:
        """Of the service's application role, or of the role that owns its tables."""
        url = make_url(self.servers.postgres_url).set(
            drivername="postgresql+asyncpg",
            username=f"{service}_owner" if owner else service,
            password=PASSWORD,
            database=f"{service}_{self.worker}",
        )
        return url.render_as_string(hide_password=False)

    def superuser_url(self, service: str) -> str:
        """For asyncpg."""
        url = make_url(self.servers.postgres_url).set(database=f"{service}_{self.worker}")
        return url.render_as_string(hide_password=False)

    def broker_url(self, user: str) -> str:
        return self.servers.broker_url_of(user, self.worker)

    async def create(self) -> None:
        """Make the databases anew, and migrate them."""
        await self.drop()
        passwords = {role: PASSWORD for name in PACKAGES for role in (name, f"{name}_owner")}
        await provision(self.servers.postgres_url, passwords, suffix=f"_{self.worker}")
        for name, package in PACKAGES.items():
            await asyncio.to_thread(asyncio.run, upgrade(package, self.database_url(name, owner=True)))

    async def drop(self) -> None:
        connection = await asyncpg.connect(self.servers.postgres_url)
        for name in PACKAGES:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}_{self.worker}" WITH (FORCE)')
        await connection.close()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The application, answering real HTTP on a free port; gives its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    # Inherited by every connection; asyncio would set it on sockets that it makes itself. Else each answer takes 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(server_config(app))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:
        if task.done():
            await task
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await task


def settings(kind: type[Any], **values: object) -> Any:
    """A process's settings, given rather than read from the environment."""
    return kind(port=1, **values)
