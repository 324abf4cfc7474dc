"""The services' books, looked through as the gateway does, and spoiled as nobody should."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text

from gateway.clients import Clients, Services
from gateway.reconciliation import findings
from gateway.reconciliation.models import Finding
from gateway.reconciliation.rounds import Looking
from gateway.settings import ReconcileSettings
from shared.auth import Caller, Role
from shared.db import Database
from tests.eventually import eventually
from tests.installation import PACKAGES
from tests.people import Person
from tests.system import System


@dataclass
class Books:
    """Looks through them, and spoils them."""

    system: System
    services: Services
    owners: dict[str, Database]

    async def spoil(self, service: str, statement: str, **values: object) -> None:
        """As whoever may do anything to the service's tables."""
        async with self.owners[service].transaction() as session:
            await session.execute(text(statement), values)

    async def look(self, settle_seconds: float = 0.2) -> None:
        await Looking(self.system.databases["gateway"], self.services, settle_seconds).run()

    async def look_at_the_latest(self) -> None:
        looking = Looking(self.system.databases["gateway"], self.services, settle_seconds=0.2)
        await looking.look_at_the_latest(time.monotonic() - 60)

    async def told_earlier(self, service: str, number: str, seconds: int) -> None:
        """As if all that the service has told of the order had left so long ago."""
        await eventually(partial(self._has_left, service, number), "its events have left")
        moment = datetime.now(UTC) - timedelta(seconds=seconds)
        await self.spoil(
            service, "UPDATE outbox_archive SET sent_at = :moment WHERE subject = :n", n=number, moment=moment
        )

    async def _has_left(self, service: str, number: str) -> bool:
        async with self.owners[service].transaction() as session:
            return not await session.scalar(text("SELECT count(*) FROM outbox WHERE subject = :n"), {"n": number})

    async def found(self, *subjects: str) -> list[Finding]:
        async with self.system.databases["gateway"].transaction() as session:
            return list(await findings.list_open(session, subjects))

    async def kinds(self, *subjects: str) -> set[str]:
        return {finding.kind for finding in await self.found(*subjects)}


@pytest.fixture(scope="module")
async def books(purser: System) -> AsyncIterator[Books]:
    url = {name: f"http://127.0.0.1:{link.local_port}" for name, link in purser.links.items()}
    clients = Clients(
        ReconcileSettings(
            database_url=purser.installation.database_url("gateway"),
            caller_private_key=purser.installation.private_key,
            orders_url=url["orders"],
            billing_url=url["billing"],
            support_url=url["support"],
        )
    )
    owners = {name: Database(purser.installation.database_url(name, owner=True), pool_size=1) for name in PACKAGES}
    yield Books(purser, clients.on_behalf_of(Caller("root", Role.ADMIN)), owners)
    await clients.close()
    for owner in owners.values():
        await owner.close()


def digits(number: str) -> int:
    return int(number.removeprefix("ORD-"))


Spoil = Callable[[Books, Person, str], Awaitable[object]]
ORDER = "UPDATE orders SET {} WHERE number = :n"
INVOICE = "UPDATE invoices SET {} WHERE order_number = :n"


def order(change: str) -> Spoil:
    return lambda books, _, number: books.spoil("orders", ORDER.format(change), n=digits(number))


def invoice(change: str) -> Spoil:
    return lambda books, _, number: books.spoil("billing", INVOICE.format(change), n=number)


def account(change: str) -> Spoil:
    return lambda books, customer, _: books.spoil(
        "billing", f"UPDATE accounts SET {change} WHERE id = CAST(:id AS uuid)", id=customer.id
    )


def gone(service: str, statement: str) -> Spoil:
    return lambda books, _, number: books.spoil(service, statement, n=number)


async def partly_paid(purser: System) -> tuple[Person, str]:
    """A customer with 700 left, and an order of 700 of which 300 are paid."""
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 700)
    await purser.admin.post(f"/orders/{number}/payments", {"amount_minor": 300})
    await purser.settled(number)
    return customer, number
