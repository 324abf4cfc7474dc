"""A private Purser in which the words are sown, everything fails, and all that comes out is gathered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2 as httpx

from deploy.local.home import Home, State
from deploy.local.keeper import Keeper
from deploy.local.ports import free_port
from deploy.local.postgres import ADMIN
from deploy.local.processes import end, started_for
from deploy.local.programs import Program
from deploy.local.secrets import Secrets
from deploy.local.supervisor import System
from deploy.postgres.provision import provision
from shared.messaging import SERVICES
from tests.access.canaries.words import WRITTEN, Heard
from tests.collector import Collector, running_collector

# By these the databases refuse what bears REFUSED, and take too long over what bears SLOW.
REFUSING = {
    "orders": (
        "ALTER TABLE customers ADD CONSTRAINT canary CHECK (name NOT LIKE '%refused-by%') NOT VALID",
        "ALTER TABLE orders ADD CONSTRAINT canary CHECK (shipping_address NOT LIKE '%refused-by%') NOT VALID",
        "ALTER TABLE items ADD CONSTRAINT canary CHECK (title NOT LIKE '%refused-by%') NOT VALID",
    ),
    "billing": (
        "ALTER TABLE transfers ADD CONSTRAINT canary CHECK (note NOT LIKE '%refused-by%') NOT VALID",
        "ALTER TABLE invoices ADD CONSTRAINT canary CHECK (total_minor <> 4711) NOT VALID",
    ),
    "support": (
        "CREATE FUNCTION canary() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.text LIKE '%too-slow%' THEN PERFORM pg_sleep(60); END IF;"
        " RAISE EXCEPTION 'it must not be said' USING DETAIL = NEW.text, HINT = NEW.text; END $$",
        "CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON messages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " WHEN (NEW.text LIKE '%refused-by%') EXECUTE FUNCTION canary()",
        "CREATE TRIGGER dawdles AFTER INSERT ON messages FOR EACH ROW WHEN (NEW.text LIKE '%too-slow%')"
        " EXECUTE FUNCTION canary()",
    ),
    "gateway": ("ALTER TABLE accounts ADD CONSTRAINT canary CHECK (login NOT LIKE '%refused-by%') NOT VALID",),
}


class TalkativeKeeper(Keeper):
    """Lets every process log, and tell a collector of traces, whatever it can."""

    def __init__(self, home: Home, collector: Collector) -> None:
        super().__init__(home, State.new())
        self.collector = collector

    async def keep(self, program: Program) -> None:
        more = {"PURSER_LOG_LEVEL": "debug", "PURSER_TRACES_ENDPOINT": f"http://127.0.0.1:{self.collector.port}"}
        await super().keep(replace(program, environment={**program.environment, **more}))


@dataclass
class Shop:
    """Asks it as an admin, and remembers what came out."""

    system: System
    home: Home
    http: httpx.AsyncClient
    collector: Collector
    heard: Heard = field(default_factory=Heard)
    tokens: list[str] = field(default_factory=list)

    async def ask(self, name: str, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer that refuses must repeat nothing."""
        headers = {"Authorization": f"Bearer {self.tokens[0]}", "Idempotency-Key": f"{WRITTEN['key']}-{uuid4()}"}
        answer = await self.http.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)
        if answer.status_code >= 400:
            self.heard.answers[f"{name}: {answer.status_code}"] = f"{answer.headers} {answer.text}"
        return answer

    async def sow(self) -> None:
        """Let the databases refuse, PostgreSQL log whatever it can, and an admin be signed in."""
        for service, statements in REFUSING.items():
            connection = await asyncpg.connect(self._superuser(service))
            for statement in (*statements, "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"):
                await connection.execute(statement)
            await connection.close()
        await provision(self.system.postgres.admin_url, self.system.secrets.databases)
        who = {"login": "admin", "password": self.system.secrets.logins["admin"]}
        form = {"username": who["login"], "password": who["password"]}
        self.tokens.append((await self.http.post("/api/token", data=form)).json()["access_token"])
        self.tokens.append((await self.http.post("/api/session", json=who)).cookies["purser"])
        self.http.cookies.clear()

    def _superuser(self, service: str) -> str:
        return self.system.postgres.url(ADMIN, self.system.secrets.database_admin, service)

    async def gather_events(self) -> None:
        """Which sown words the services' events hold, by type."""
        for service in SERVICES:
            connection = await asyncpg.connect(self._superuser(service))
            rows = await connection.fetch(
                "SELECT routing_key, body FROM outbox_archive UNION SELECT routing_key, body FROM outbox"
            )
            for row in rows:
                held = self.heard.events.setdefault(row["routing_key"], set())
                held |= {kind for kind, word in WRITTEN.items() if word in row["body"]}
            await connection.close()

    async def gather(self) -> Heard:
        """What the processes have logged and show, and what would open their doors."""
        for name, port in self.system.ports.items():
            for path in ("metrics", "readyz") if name == "gateway" or name.endswith(("api", "worker")) else ():
                answer = await self.http.get(f"http://127.0.0.1:{port}/{path}")
                self.heard.shown[f"{name}/{path}"] = answer.text
        self.heard.spans = {f"{span.process} {span.id}": repr(span) for span in self.collector.spans}
        for process in started_for(self.home.folder):
            self.heard.commands[f"{process.name()} {process.pid}"] = " ".join(process.cmdline())
        self.heard.logs = {log.name: log.read_text(errors="replace") for log in self.home.logs.iterdir()}
        secrets = self.system.secrets
        self.heard.secrets = {
            "the database's admin": secrets.database_admin,
            "the signing key": secrets.caller_private_key,
            "the secret of passwords": secrets.password_secret,
            **{f"database password of {role}": word for role, word in secrets.databases.items()},
            **{f"broker password of {user}": word for user, word in secrets.broker.items()},
            **{f"password of {login}": word for login, word in secrets.logins.items()},
            **{f"token {number}": token for number, token in enumerate(self.tokens)},
        }
        return self.heard


@asynccontextmanager
async def private_shop(folder: Path) -> AsyncIterator[Shop]:
    """Started, and ended afterwards."""
    home = Home(folder)
    home.make()
    async with running_collector() as collector:
        keeper = TalkativeKeeper(home, collector)
        system = System(home, keeper, Secrets.load(home.secrets, currency="USD"), free_port())
        try:
            await system.start()
            async with httpx.AsyncClient(base_url=system.programs.url("gateway"), timeout=30) as http:
                yield Shop(system, home, http, collector)
        finally:
            await keeper.stop()
            end(started_for(folder))
