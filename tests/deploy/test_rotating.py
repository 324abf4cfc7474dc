"""`purser rotate`, as the supervisor does it: all keys and passwords of a whole Purser change under load, and nobody is
refused; then the old ones are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2 as httpx
import pytest

from deploy.local.home import Home, State
from deploy.local.keeper import Keeper
from deploy.local.ports import free_port
from deploy.local.processes import end, started_for
from deploy.local.rabbitmq import RabbitMQFailed
from deploy.local.secrets import DATABASES, Secrets, write_private
from deploy.local.supervisor import System
from shared.auth import Caller, Role, private_key
from tests.access.signing import asked
from tests.eventually import eventually

CLIENTS = 4


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    """Everything as `make up` starts it, in a home of its own."""
    home = Home(tmp_path / "home")
    home.make()
    keeper = Keeper(home, State.new())
    system = System(home, keeper, Secrets.load(home.secrets, currency="USD"), free_port())
    try:
        await system.start()
        yield system
    finally:
        await keeper.stop()
        await asyncio.to_thread(end, started_for(home.folder))


@asynccontextmanager
async def signed_in(system: System, login: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.programs.url("gateway"), timeout=20) as http:
        form = {"username": login, "password": system.secrets.logins[login]}
        token = (await http.post("/api/token", data=form)).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def send(http: httpx.AsyncClient, path: str, body: object, key: str | None = None) -> httpx.Response:
    answer = await http.post(f"/api/admin{path}", json=body, headers={"Idempotency-Key": key or str(uuid4())})
    assert answer.status_code == 201, answer.text
    return answer


async def keep_depositing(http: httpx.AsyncClient, customer: str, enough: asyncio.Event) -> int:
    """One after the other; none may be refused."""
    count = 0
    while not enough.is_set():
        await send(http, f"/customers/{customer}/deposits", {"amount_minor": 1, "currency": "USD"})
        assert (await http.get(f"/api/admin/customers/{customer}/acts")).status_code == 200
        count += 1
    return count


async def can_pay(http: httpx.AsyncClient, customer: str) -> None:
    """An order, its invoice, a payment, and the news of it: through every process, database and queue."""
    item = {"sku": "S", "title": "Thing", "quantity": 1, "unit_price_minor": 3}
    order = {"customer_id": customer, "currency": "USD", "shipping_address": "Here", "items": [item]}
    number = (await send(http, "/orders", order)).json()["number"]

    async def pay() -> bool:
        headers = {"Idempotency-Key": number}
        answer = await http.post(f"/api/admin/orders/{number}/payments", json={}, headers=headers)
        return answer.status_code == 201

    async def is_paid() -> bool:
        return bool((await http.get(f"/api/admin/orders/{number}")).json()["status"] == "paid")

    await eventually(pay, "billing knows the order")
    await eventually(is_paid, "the order is paid")


async def refuses(system: System, former: Secrets) -> None:
    """What everything was told before is good for nothing."""
    wanted = asked("billing", "GET", f"/customers/{uuid4()}/balance")
    async with httpx.AsyncClient(base_url=system.programs.url("billing-api"), timeout=30) as http:
        for secrets, status in ((system.secrets, 200), (former, 401)):
            word = wanted.signed(private_key(secrets.caller_private_key), Caller("admin", Role.ADMIN))
            assert (await wanted.send(http, f"Bearer {word}")).status_code == status
    for name in DATABASES:
        for role in (name, f"{name}_owner"):
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await asyncpg.connect(system.postgres.url(role, former.databases[role], name))
    # By the broker's own tool: a client that is refused may leave its socket to the garbage collector.
    believes = system.broker._control
    for user in ("billing", "integrator"):
        await asyncio.to_thread(believes, "authenticate_user", user, system.secrets.broker[user])
        with pytest.raises(RabbitMQFailed):
            await asyncio.to_thread(believes, "authenticate_user", user, former.broker[user])


async def test_keys_and_passwords_change_under_load_and_nobody_is_refused(system: System, tmp_path: Path) -> None:
    async with signed_in(system, "admin") as http:
        wanted, key = {"login": "ann", "name": "Ann", "email": "ann@example.org"}, str(uuid4())
        made = (await send(http, "/customers", wanted, key)).json()
        enough = asyncio.Event()
        clients = [asyncio.create_task(keep_depositing(http, made["id"], enough)) for _ in range(CLIENTS)]
        former = system.secrets
        changed = former.with_new_key().with_new_passwords()
        write_private(tmp_path / "home" / "secrets", changed.model_dump_json())
        await system.renew()
        enough.set()
        deposited = sum(await asyncio.gather(*clients))
        balance = (await http.get(f"/api/admin/customers/{made['id']}/balance")).json()["balance_minor"]
        assert balance == deposited > CLIENTS
        assert (await send(http, "/customers", wanted, key)).json() == made
        await can_pay(http, made["id"])
    await refuses(system, former)
