"""Support's API and database, and a customer with questions."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
from sqlalchemy import text

from services.support import api
from services.support.commands.note_operations import Kind, note_operations, note_operations_held
from shared.auth import Caller, Role
from shared.contracts.base import Event
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.db import Database
from shared.inbox import Heard, Taken
from shared.settings import ApiSettings
from tests.client import Client
from tests.installation import Installation, settings

OPERATOR = Caller("oper", Role.OPERATOR)
E = TypeVar("E", bound=Event)
Moved = Taken[OrderPaid | OrderRefunded]
_numbers = count(uuid4().int % 10**9)


def order_number() -> str:
    """Of an order that nobody has spoken of yet."""
    return f"ORD-{next(_numbers):010d}"


def _kind(moved: Moved) -> Kind:
    return "paid" if isinstance(moved[1].event, OrderPaid) else "refunded"


@pytest.fixture(scope="session")
def installation(installation_of_parts: Installation) -> Installation:
    """One in which nobody relays what these tests record."""
    return installation_of_parts


@pytest.fixture(scope="session")
async def support(installation: Installation) -> AsyncIterator[Database]:
    database = Database(installation.database_url("support"), pool_size=20)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def client(installation: Installation) -> AsyncIterator[Client]:
    urls = {"database_url": installation.database_url("support"), "caller_public_keys": installation.public_key}
    app = api.create(settings(ApiSettings, **urls))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://support") as http:
        yield Client(http, installation, "support", OPERATOR)
    await app.state.database.close()


@dataclass
class Customer:
    """Writes to support, and is written to."""

    client: Client
    database: Database
    id: UUID = field(default_factory=uuid4)

    @property
    def caller(self) -> Caller:
        return Caller(f"c-{self.id}", Role.CUSTOMER, self.id)

    async def post(self, path: str, body: object, caller: Caller | None = None) -> Any:
        answer = await self.client.ask("POST", path, body, caller=caller or self.caller)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def get(self, path: str, caller: Caller | None = None) -> Any:
        answer = await self.client.ask("GET", path, caller=caller or self.caller)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def begin(self, text: str = "Hello", caller: Caller | None = None, **more: str) -> str:
        """A new ticket's id."""
        begun = await self.post(f"/customers/{self.id}/tickets", {"subject": "About", "text": text, **more}, caller)
        return str(begun["ticket"]["id"])

    async def say(self, ticket_id: str, text: str = "More", caller: Caller | None = None) -> Any:
        return await self.post(f"/tickets/{ticket_id}/messages", {"text": text}, caller)

    async def read(self, ticket_id: str, caller: Caller | None = None, **body: int) -> Any:
        return await self.post(f"/tickets/{ticket_id}/read", body, caller)

    async def counts(self) -> tuple[int, int, int]:
        """New, answered, total."""
        counts = await self.get(f"/customers/{self.id}/ticket-counts")
        return counts["new"], counts["answered"], counts["total"]

    def money(
        self,
        order_number: str,
        amount_minor: int,
        currency: str = "USD",
        transfer_id: UUID | None = None,
        *,
        back: bool = False,
    ) -> Moved:
        """Billing's word that money moved for the order, or came back."""
        facts: dict[str, Any] = {
            "order_number": order_number,
            "customer_id": self.id,
            "transfer_id": transfer_id or uuid4(),
            "amount_minor": amount_minor,
            "currency": currency,
            "total_minor": amount_minor,
            "paid_minor": amount_minor,
            "remaining_minor": 0,
            "order_version": 1,
            "first_paid_in_full_at": None,
            "version": 1,
            "at": datetime.now(UTC),
        }
        return uuid4(), Heard(OrderRefunded(**facts, line=None) if back else OrderPaid(**facts))

    async def money_moved(self, *of: Any, **more: Any) -> None:
        """The same, heard."""
        await self.hear(self.money(*of, **more))

    async def hear(self, moved: Moved) -> bool:
        """As the worker does; whether it was new."""
        done = await self.hear_at_once(moved)
        if not done:
            async with self.database.transaction() as session:
                done = await note_operations_held(session, [moved], _kind(moved))
        return done[moved[0]]

    async def hear_at_once(self, moved: Moved) -> Mapping[UUID, bool]:
        """The first half: nothing where it leaves it to the second."""
        async with self.database.autocommit() as session:
            return await note_operations(session, [moved], _kind(moved))

    async def told(self, kind: type[E], subject: object) -> list[E]:
        """What support has told of this ticket, or of this customer's counts, in the order of versions."""
        async with self.database.transaction() as session:
            bodies = await session.scalars(
                text(
                    "SELECT body, version FROM outbox WHERE routing_key = :key AND subject = :subject UNION ALL"
                    " SELECT body, version FROM outbox_archive WHERE routing_key = :key AND subject = :subject"
                    " ORDER BY version"
                ),
                {"key": kind.routing_key, "subject": str(subject)},
            )
            return [kind.model_validate_json(body) for body in bodies]

    async def row(self, statement: str, **values: object) -> Any:
        """One row of support's database."""
        async with self.database.transaction() as session:
            return (await session.execute(text(statement), values)).one()


@pytest.fixture
def customer(client: Client, support: Database) -> Customer:
    return Customer(client, support)
