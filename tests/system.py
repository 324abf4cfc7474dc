"""The whole Purser in one process, on real servers, answering real HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import httpx2 as httpx
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text
from sqlalchemy.engine import make_url

from gateway import app as gateway
from gateway.accounts import passwords
from gateway.accounts.bootstrap import set_staff_login
from gateway.settings import GatewaySettings
from services.billing import api as billing_api
from services.billing import worker as billing_worker
from services.billing.settings import BillingApiSettings
from services.orders import api as orders_api
from services.orders import worker as orders_worker
from services.orders.settings import OrdersApiSettings
from services.support import api as support_api
from services.support import worker as support_worker
from shared.db import Database
from shared.settings import ApiSettings, WorkerSettings
from tests.eventually import eventually
from tests.installation import PACKAGES, PASSWORD_SECRET, SERVICES, Installation, serving, settings
from tests.link import Link, linked
from tests.people import Person
from tests.promise import Promise

APIS: dict[str, tuple[Callable[[Any], FastAPI], type[ApiSettings]]] = {
    "orders": (orders_api.create, OrdersApiSettings),
    "billing": (billing_api.create, BillingApiSettings),
    "support": (support_api.create, ApiSettings),
}
STAFF = ("admin", "financier", "operator")
PASSWORD = "correct horse battery staple"
# Passwords are hashed and compared hundreds of times here; at full strength each costs a third of a second of a core.
QUICK_HASH = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@dataclass
class System:
    """A running Purser."""

    installation: Installation
    url: str
    databases: dict[str, Database]
    links: dict[str, Link]
    promise: Promise
    people: dict[str, Person]
    _open: AsyncExitStack

    async def sign_in(self, login: str, password: str = PASSWORD) -> Person:
        http = await self._open.enter_async_context(httpx.AsyncClient(base_url=self.url, timeout=30))
        answer = await http.post("/api/token", data={"username": login, "password": password})
        assert answer.status_code == 200, answer.text
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        who = (await http.get("/api/session")).json()
        base = "/api/portal" if who["role"] == "customer" else "/api/admin"
        return Person(http, login, base, self.promise, who.get("customer_id") or "")

    @property
    def admin(self) -> Person:
        return self.people["admin"]

    async def make_staff(self) -> None:
        """Make a login for each role, or put it right again."""
        for role in STAFF:
            async with self.databases["gateway"].transaction() as session:
                await set_staff_login(session, role, role, PASSWORD)
            self.people[role] = await self.sign_in(role)

    async def new_customer(self, balance_minor: int = 0) -> Person:
        """Somebody of one's own, with a balance."""
        login = f"c-{uuid4().hex[:12]}"
        made = await self.admin.post(
            "/customers",
            {
                "login": login,
                "name": f"Customer {login}",
                "phone": "+1 555 0100",
                "email": f"{login}@example.org",
                "shipping_address": "1 Main Street",
                "password": PASSWORD,
            },
        )
        if balance_minor:
            deposit = {"amount_minor": balance_minor, "currency": "USD"}
            await self.admin.post(f"/customers/{made['id']}/deposits", deposit)
        return await self.sign_in(login)

    async def new_order(self, customer: Person, *prices_minor: int, delivery_minor: int = 0, known: bool = True) -> str:
        """An order of one piece at each price; `known`: wait until billing has heard of it."""
        page = await self.admin.post(
            "/orders",
            {
                "customer_id": customer.id,
                "currency": "USD",
                "delivery_minor": delivery_minor,
                "shipping_address": "1 Main Street",
                "items": [
                    {"sku": f"S{line}", "title": f"Thing {line}", "quantity": 1, "unit_price_minor": price}
                    for line, price in enumerate(prices_minor, 1)
                ],
            },
        )
        number = str(page["number"])
        if known:
            await self.billing_knows(number)
        return number

    async def billing_knows(self, number: str) -> None:
        async def look() -> bool:
            return bool(await self.rows("billing", "SELECT 1 FROM invoices WHERE order_number = :n", n=number))

        await eventually(look, f"billing has an invoice for {number}")

    async def rows(self, service: str, query: str, **values: object) -> list[Any]:
        """Look into a database."""
        async with self.databases[service].transaction() as session:
            return [row._mapping for row in await session.execute(text(query), values)]

    async def settled(self, number: str) -> dict[str, Any]:
        """Wait until orders and billing agree about an order; give what both hold of it, and its page."""
        truth: dict[str, Any] = {}

        async def look() -> bool:
            truth.update(await self._figures(number))
            order, invoice = truth["order"], truth["invoice"]
            unsent = [await self.rows(name, "SELECT 1 FROM outbox LIMIT 1") for name in ("orders", "billing")]
            return (
                invoice is not None
                and (order["total_minor"], order["paid_minor"]) == (invoice["total_minor"], invoice["paid_minor"])
                and order["billing_version"] == invoice["version"]
                and (order["status"] == "cancelled") == invoice["cancelled"]
                and not any(unsent)
            )

        await eventually(look, f"orders and billing agree about {number}")
        page = await self.admin.get(f"/orders/{number}")
        return {**truth, "page": page, "items": {item["line"]: item["status"] for item in page["items"]}}

    async def _figures(self, number: str) -> dict[str, Any]:
        digits = int(number.removeprefix("ORD-"))
        [order] = await self.rows("orders", "SELECT * FROM orders WHERE number = :n", n=digits)
        invoices = await self.rows("billing", "SELECT * FROM invoices WHERE order_number = :n", n=number)
        transfers = await self.rows(
            "billing",
            "SELECT kind, amount_minor, line FROM transfers WHERE order_number = :n ORDER BY account_version",
            n=number,
        )
        return {
            "order": order,
            "invoice": invoices[0] if invoices else None,
            "transfers": [(row["kind"], row["amount_minor"], row["line"]) for row in transfers],
        }


def service_api(installation: Installation, service: str) -> FastAPI:
    """The service's API."""
    create, kind = APIS[service]
    url = installation.database_url(service)
    return create(settings(kind, database_url=url, caller_public_keys=installation.public_key))


def _processes(installation: Installation, broker: Link) -> dict[str, FastAPI]:
    """A service's API and worker, for each."""

    def worker(service: str) -> Any:
        url = installation.database_url(service)
        return settings(WorkerSettings, database_url=url, broker_url=_broker_url(installation, service, broker))

    return {
        **{service: service_api(installation, service) for service in SERVICES},
        "orders-worker": orders_worker.create(worker("orders")),
        "billing-worker": billing_worker.create(worker("billing")),
        "support-worker": support_worker.create(worker("support")),
    }


def _broker_url(installation: Installation, user: str, broker: Link) -> str:
    url = make_url(installation.broker_url(user)).set(host="127.0.0.1", port=broker.local_port)
    return url.render_as_string(hide_password=False)


async def _link(stack: AsyncExitStack, url: str) -> Link:
    where = make_url(url)
    return await stack.enter_async_context(linked(where.host or "", where.port or 0))


async def opened_system(
    stack: AsyncExitStack, installation: Installation, url: str, databases: dict[str, Database], links: dict[str, Link]
) -> System:
    """A Purser that answers at `url`, with its staff signed in."""
    for database in databases.values():
        stack.push_async_callback(database.close)
    async with httpx.AsyncClient(base_url=url, timeout=30) as anybody:
        promise = Promise((await anybody.get("/openapi.json")).json())
    people = await stack.enter_async_context(AsyncExitStack())
    system = System(installation, url, databases, links, promise, {}, people)
    await system.make_staff()
    return system


@asynccontextmanager
async def running_system(installation: Installation) -> AsyncIterator[System]:
    """Every process of Purser as an application of its own, in this one, on wires that can be cut."""
    async with AsyncExitStack() as stack:
        stack.enter_context(patch.object(passwords, "_argon2id", QUICK_HASH))
        links = {"broker": await _link(stack, installation.servers.broker_url)}
        for name, app in _processes(installation, links["broker"]).items():
            links[name] = await _link(stack, await stack.enter_async_context(serving(app)))
        gateway_settings = settings(
            GatewaySettings,
            database_url=installation.database_url("gateway"),
            broker_url=_broker_url(installation, "gateway", links["broker"]),
            caller_private_key=installation.private_key,
            password_secret=PASSWORD_SECRET,
            cookie_secure=False,
            reconcile_minutes=0,
            **{
                f"{name}_url": f"http://127.0.0.1:{links[name].local_port}" for name in ("orders", "billing", "support")
            },
        )
        databases = {name: Database(installation.database_url(name)) for name in PACKAGES}
        url = await stack.enter_async_context(serving(gateway.create(gateway_settings)))
        yield await opened_system(stack, installation, url, databases, links)
