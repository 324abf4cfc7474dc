"""A private Purser in which everything fails, with words in it that must not come out; and all that came out."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
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
from shared.auth import Caller, Role, private_key, sign
from shared.contracts.orders import CustomerRegistered, OrderPlaced
from shared.messaging import DEAD_LETTERS, EVENTS
from tests.eventually import eventually

ROOT = Path(__file__).parents[2]
# What people write, and programs send. What bears REFUSED a constraint of a database refuses; SLOW takes too long.
WRITTEN = {
    kind: f"canary-{kind}-5e1c"
    for kind in (
        "name", "email", "phone", "address", "login", "title", "note", "staff-note", "subject", "text", "search",
        "wrong-password", "password", "query-password", "header-password", "basic", "cookie", "bearer", "key",
        "event", "type", "database-password", "broker-password", "signing-key", "nonsense",
    )
}  # fmt: skip
REFUSED, SLOW = "refused-by-the-database", "too-slow-for-the-database"
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


@dataclass
class Heard:
    """What came out: by where it stood."""

    logs: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    events: dict[str, set[str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


class TalkativeKeeper(Keeper):
    """Lets every process log whatever it can."""

    async def keep(self, program: Program) -> None:
        more = {"PURSER_LOG_LEVEL": "debug"}
        await super().keep(replace(program, environment={**program.environment, **more}))


def found(heard: Mapping[str, str], words: Mapping[str, str]) -> list[str]:
    """Which words stand where, with what is around them."""
    return [
        f"{kind} in {place}: ...{told[max(0, at - 150) : at + 100]!r}"
        for place, told in heard.items()
        for kind, word in words.items()
        if (at := told.find(word)) >= 0
    ]


@asynccontextmanager
async def purser_in_trouble(folder: Path) -> AsyncIterator[Heard]:
    home = Home(folder)
    home.make()
    keeper = TalkativeKeeper(home, State.new())
    system = System(home, keeper, Secrets.load(home.secrets, currency="USD"), free_port())
    try:
        await system.start()
        yield await Trouble(system, home).make()
    finally:
        await keeper.stop()
        end(started_for(folder))


class Trouble:
    """Sows, breaks, and gathers."""

    def __init__(self, system: System, home: Home) -> None:
        self.system, self.home, self.heard = system, home, Heard()
        self.url = system.programs.url("gateway")
        self.tokens: list[str] = []

    async def make(self) -> Heard:
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as http:
            self.http = http
            await self._forbid_what_is_sown()
            await self._sign_in()
            customer, ticket = await self._work_that_goes_well()
            await asyncio.gather(
                self._everything_that_is_refused(customer, ticket),
                self._what_the_databases_refuse(customer, ticket),
                self._events_that_cannot_be_taken(),
                self._processes_that_are_told_nonsense(),
            )
            await self._gather_events()
            await self._no_database(customer)
            await self._gather()
        return self.heard

    # --- What is sown -------------------------------------------------------------------------------------------------

    async def ask(self, name: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Asks as an admin; an answer that refuses must repeat nothing."""
        headers = {"Authorization": f"Bearer {self.tokens[0]}", "Idempotency-Key": f"{WRITTEN['key']}-{uuid4()}"}
        answer = await self.http.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)
        if answer.status_code >= 400:
            self.heard.answers[f"{name}: {answer.status_code}"] = f"{answer.headers} {answer.text}"
        return answer

    async def _forbid_what_is_sown(self) -> None:
        for service, statements in REFUSING.items():
            connection = await asyncpg.connect(self._superuser(service))
            for statement in statements:
                await connection.execute(statement)
            await connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            await connection.execute("SELECT pg_reload_conf()")
            await connection.close()
        await provision(self.system.postgres.admin_url, self.system.secrets.databases)

    def _superuser(self, service: str) -> str:
        return self.system.postgres.url(ADMIN, self.system.secrets.database_admin, service)

    async def _sign_in(self) -> None:
        password = self.system.secrets.logins["admin"]
        answer = await self.http.post("/api/token", data={"username": "admin", "password": password})
        self.tokens.append(answer.json()["access_token"])
        answer = await self.http.post("/api/session", json={"login": "admin", "password": password})
        self.tokens.append(answer.cookies["purser"])
        self.http.cookies.clear()

    async def _work_that_goes_well(self) -> tuple[str, str]:
        profile = {
            **{name: WRITTEN[name] for name in ("login", "name", "phone", "password")},
            "email": f"{WRITTEN['email']}@example.org",
            "shipping_address": WRITTEN["address"],
        }
        customer = (await self.ask("new customer", "POST", "/api/admin/customers", json=profile)).json()["id"]
        money = {"amount_minor": 100, "currency": "USD", "note": WRITTEN["note"], "staff_note": WRITTEN["staff-note"]}
        for what in ("deposits", "withdrawals"):
            await self.ask(what, "POST", f"/api/admin/customers/{customer}/{what}", json=money)
        await self.ask("order", "POST", "/api/admin/orders", json=self._order(customer))
        form = {"username": WRITTEN["login"], "password": WRITTEN["password"]}
        own = {"Authorization": f"Bearer {(await self.http.post('/api/token', data=form)).json()['access_token']}"}
        ticket = {"subject": WRITTEN["subject"], "text": WRITTEN["text"]}
        begun = await self.ask("ticket", "POST", "/api/portal/tickets", json=ticket, headers=own)
        self.tokens.append(own["Authorization"].removeprefix("Bearer "))
        return customer, begun.json()["ticket"]["id"]

    def _order(self, customer: str, address: str = "", title: str = "", price: int = 50) -> dict[str, Any]:
        item = {"sku": "S", "title": title or WRITTEN["title"], "quantity": 1, "unit_price_minor": price}
        return {
            "customer_id": customer,
            "currency": "USD",
            "shipping_address": address or WRITTEN["address"],
            "items": [item],
        }

    # --- What is broken -----------------------------------------------------------------------------------------------

    async def _everything_that_is_refused(self, customer: str, ticket: str) -> None:
        wrong, secret = {"login": "admin", "password": WRITTEN["wrong-password"]}, WRITTEN["password"]
        orders = f"/api/admin/customers/{customer}"
        json = {"Content-Type": "application/json"}
        for name, method, path, more in (
            ("wrong password", "POST", "/api/session", {"json": wrong}),
            ("wrong password, form", "POST", "/api/token", {"data": {"username": "x", "password": secret}}),
            ("password of no text", "POST", "/api/session", {"json": {"login": "admin", "password": [secret]}}),
            ("password in a torn body", "POST", "/api/session",
             {"content": f'{{"password": "{secret}', "headers": json}),
            ("password said twice", "POST", "/api/session",
             {"content": f'{{"password":"{secret}","password":"{secret}"}}', "headers": json}),
            ("password too long", "POST", "/api/session", {"json": {"login": "admin", "password": secret * 1_000}}),
            ("password in a query", "GET", f"/api/admin/orders?password={WRITTEN['query-password']}", {}),
            ("password in a query of nothing", "GET", f"/nothing?password={WRITTEN['query-password']}", {}),
            ("password in a header", "GET", "/api/admin/nothing",
             {"headers": {"X-Password": WRITTEN["header-password"], "X-Correlation-Id": f"{secret}!"}}),
            ("basic", "GET", "/api/session", {"headers": {"Authorization": f"Basic {WRITTEN['basic']}"}}),
            ("cookie", "GET", "/api/session",
             {"headers": {"Authorization": "", "Cookie": f"purser={WRITTEN['cookie']}"}}),
            ("bearer", "GET", "/api/session", {"headers": {"Authorization": f"Bearer {WRITTEN['bearer']}"}}),
            ("key too long", "POST", f"{orders}/deposits",
             {"json": {"amount_minor": 1, "currency": "USD"}, "headers": {"Idempotency-Key": WRITTEN["key"] * 100}}),
            ("note of no text", "POST", f"{orders}/deposits", {"json": {"note": [WRITTEN["note"]]}}),
            ("message of no text", "POST", f"/api/admin/tickets/{ticket}/messages",
             {"json": {"text": [WRITTEN["text"]]}}),
            ("search", "GET", "/api/admin/orders", {"params": {"q": WRITTEN["search"] * 1_000}}),
            ("cursor", "GET", "/api/admin/orders", {"params": {"cursor": WRITTEN["search"]}}),
            ("day", "GET", f"{orders}/transfers", {"params": {"from": WRITTEN["search"]}}),
            ("not enough money", "POST", f"{orders}/withdrawals",
             {"json": {"amount_minor": 10**6, "currency": "USD", "note": WRITTEN["note"]}}),
        ):  # fmt: skip
            await self.ask(name, method, path, **more)
        for name, service in (("for another service", "support"), ("for another request", "billing")):
            word = sign(
                private_key(self.system.secrets.caller_private_key), Caller("x", Role.ADMIN), service, "GET", "/x"
            )
            self.tokens.append(word)
            url = self.system.programs.url("billing-api")
            await self.ask(name, "GET", f"{url}/hold-counts", headers={"Authorization": f"Bearer {word}"})

    async def _what_the_databases_refuse(self, customer: str, ticket: str) -> None:
        profile = {
            "login": "another", "name": f"{WRITTEN['name']} {REFUSED}", "email": f"{WRITTEN['email']}@example.org",
            "phone": WRITTEN["phone"], "shipping_address": WRITTEN["address"], "password": WRITTEN["password"],
        }  # fmt: skip
        money = {"amount_minor": 1, "currency": "USD", "note": f"{WRITTEN['note']} {REFUSED}"}
        message = f"/api/admin/tickets/{ticket}/messages"
        answers = await asyncio.gather(
            self.ask("customer", "POST", "/api/admin/customers", json=profile),
            self.ask("deposit", "POST", f"/api/admin/customers/{customer}/deposits", json=money),
            self.ask("address", "POST", "/api/admin/orders", json=self._order(customer, WRITTEN["address"] + REFUSED)),
            self.ask("title", "POST", "/api/admin/orders", json=self._order(customer, "", WRITTEN["title"] + REFUSED)),
            self.ask("message", "POST", message, json={"text": f"{WRITTEN['text']} {REFUSED}"}),
            self.ask("slow message", "POST", message, json={"text": f"{WRITTEN['text']} {SLOW}"}),
        )
        assert [answer.status_code for answer in answers] == [500] * 5 + [503]

    async def _events_that_cannot_be_taken(self) -> None:
        """Such as nobody can read, and two whose reactions fail."""
        placed = OrderPlaced.model_validate_json(
            (ROOT / f"tests/contracts/examples/{OrderPlaced.routing_key}.json").read_bytes()
        )
        sick = placed.model_copy(update={"order_number": "ORD-0000004711", "total_minor": 4711, "customer_id": uuid4()})
        registered = CustomerRegistered(
            version=1, at=placed.at, customer_id=uuid4(), login=f"{WRITTEN['event']} {REFUSED}"
        )
        secret, key = WRITTEN["event"], OrderPlaced.routing_key
        async with await aio_pika.connect(self.system.programs.broker_url("operator")) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(EVENTS, ensure=False)
            for body, type_, event_id, sent_as in (
                (f"no JSON {secret}", key, "", key),
                (f'{{"version": "{secret}", "{secret}": 1}}', key, "", key),
                ("{}", WRITTEN["type"], "", key),
                ("{}", key, WRITTEN["type"], key),
                (sick.model_dump_json(), key, "", key),
                (registered.model_dump_json(), registered.routing_key, "", registered.routing_key),
            ):
                headers = {"ce-type": type_, "ce-id": event_id or str(uuid4()), "x-note": secret}
                message = aio_pika.Message(body.encode(), headers=dict(headers), message_id=str(uuid4()))
                await exchange.publish(message, sent_as, timeout=5)
            queue = await channel.get_queue(DEAD_LETTERS, ensure=False)

            async def four_have_died() -> bool:
                return (await channel.declare_queue(DEAD_LETTERS, passive=True)).declaration_result.message_count == 4

            await eventually(four_have_died, "the events that are none as dead letters")
            while (letter := await queue.get(fail=False)) is not None:
                self.heard.letters[str(letter.headers["ce-id"])] = str(letter.headers["x-died-of"])

    async def _processes_that_are_told_nonsense(self) -> None:
        """Each by itself, with settings that are wrong."""
        programs = self.system.programs
        orders, worker, gateway = programs.apis()[0], programs.workers()[1], programs.gateways()[0]
        database, broker, key = (WRITTEN[name] for name in ("database-password", "broker-password", "signing-key"))
        nonsense = await asyncio.start_server(_answer_nonsense, "127.0.0.1", 0)
        where = f"http://127.0.0.1:{nonsense.sockets[0].getsockname()[1]}"
        owner = programs.migrations()[0]
        owned = owner.environment["PURSER_MIGRATION_URL"]
        told = {
            "bad-database": (orders, "PURSER_DATABASE_URL", f"postgresql+asyncpg://orders:{database}/orders"),
            "bad-broker": (worker, "PURSER_BROKER_URL", f"{broker}@localhost"),
            "bad-key": (gateway, "PURSER_CALLER_PRIVATE_KEY", key),
            "bad-logins": (
                replace(programs.logins(), stdin=f"admin {WRITTEN['password']} admin\n"),
                "PURSER_LOG_LEVEL",
                "debug",
            ),
            "wrong-database-password": (owner, "PURSER_MIGRATION_URL", _with_password(owned, database)),
            "wrong-broker-password": (
                worker,
                "PURSER_BROKER_URL",
                _with_password(programs.broker_url("billing"), broker),
            ),
            "nonsense": (gateway, "PURSER_ORDERS_URL", where),
        }
        async with nonsense:
            await asyncio.gather(
                *(self._try(name, program, {setting: value}) for name, (program, setting, value) in told.items())
            )

    async def _try(self, name: str, program: Program, more: dict[str, str]) -> None:
        """Until it ends, or has said what it lacks."""
        port = free_port()
        environment = {**program.environment, **more, **({"PURSER_PORT": str(port)} if program.port else {})}
        log = self.home.log(name)
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", program.module, cwd=ROOT, env=environment, stdin=asyncio.subprocess.PIPE,
                stdout=out, stderr=out,
            )  # fmt: skip
        ended = asyncio.create_task(process.communicate(program.stdin.encode()))

        async def has_said() -> bool:
            if name == "nonsense" and not ended.done():
                with_search = f"http://127.0.0.1:{port}/api/admin/orders?q={WRITTEN['search']}"
                try:
                    await self.ask("a service that speaks nonsense", "GET", with_search)
                except httpx.TransportError:
                    return False
            said = log.read_text()
            return ended.done() or "not listening" in said or "service not reached" in said

        await eventually(has_said, f"{name} says what is wrong", seconds=40)
        if not ended.done():
            process.kill()
        await ended

    async def _no_database(self, customer: str) -> None:
        """Killed while it is asked, and started again by its keeper."""
        self.system.postgres.kill()
        order = self._order(customer)
        answers = await asyncio.gather(
            self.ask("no database", "POST", "/api/admin/orders", json=order),
            self.http.post("/api/session", json={"login": "admin", "password": WRITTEN["wrong-password"]}),
        )
        assert {answer.status_code for answer in answers} == {503}

    # --- What is heard ------------------------------------------------------------------------------------------------

    async def _gather_events(self) -> None:
        """Which sown words the services' events hold, by type."""
        for service in ("orders", "billing", "support"):
            connection = await asyncpg.connect(self._superuser(service))
            rows = await connection.fetch(
                "SELECT routing_key, body FROM outbox_archive UNION SELECT routing_key, body FROM outbox"
            )
            for row in rows:
                held = self.heard.events.setdefault(row["routing_key"], set())
                held |= {kind for kind, word in WRITTEN.items() if word in row["body"]}
            await connection.close()

    async def _gather(self) -> None:
        for name, port in self.system.ports.items():
            for path in ("metrics", "readyz") if name == "gateway" or name.endswith(("api", "worker")) else ():
                answer = await self.http.get(f"http://127.0.0.1:{port}/{path}")
                self.heard.shown[f"{name}/{path}"] = answer.text
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


def _with_password(url: str, password: str) -> str:
    head, _, tail = url.rpartition("@")
    return f"{head.rpartition(':')[0]}:{password}@{tail}"


async def _answer_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError), closing(writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{WRITTEN['nonsense']}\r\n\r\n".encode())
