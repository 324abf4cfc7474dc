"""Two customers who have nothing to do with each other, each with money, orders and a conversation."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import httpx2 as httpx
import pytest

from gateway.accounts.bootstrap import set_staff_login
from tests.installation import SERVICES
from tests.people import Person
from tests.system import PASSWORD, System

# What only staff may read. Words like these occur nowhere else.
STAFF_NOTE = "canary-staff-note-f0e1"
ACT_NOTE = "canary-reason-of-an-act-a7c3"
STAFF_LOGIN = "canary-staffer-b2d4"


@dataclass
class Household:
    """A customer, and what is theirs: an order with a raised price, one that is paid, a conversation, and a withdrawal
    that waits for another of the staff."""

    person: Person
    order: str
    paid_order: str
    ticket: str
    hold: str

    def names(self) -> dict[str, str]:
        """What the placeholders of a path are for them."""
        return {
            "number": self.order,
            "order_number": self.order,
            "line": "1",
            "customer_id": self.person.id,
            "ticket_id": self.ticket,
            "hold_id": self.hold,
            "login": STAFF_LOGIN,
        }


NOTHING = {
    "number": "ORD-9999999999",
    "order_number": "ORD-9999999999",
    "line": "1",
    "customer_id": "00000000-0000-4000-8000-000000000000",
    "ticket_id": "00000000-0000-4000-8000-000000000000",
    "hold_id": "00000000-0000-4000-8000-000000000000",
    "login": "nobody-of-this-name",
}


Service = tuple[str, httpx.AsyncClient]


@dataclass
class World:
    """The shop as it is when somebody tries what they may not."""

    purser: System
    owner: Household
    stranger: Household

    def service(self, name: str) -> str:
        return f"http://127.0.0.1:{self.purser.links[name].local_port}"


async def _household(purser: System, staffer: Person) -> Household:
    person = await purser.new_customer(500_000)
    money = {"amount_minor": 1_000, "currency": "USD", "staff_note": STAFF_NOTE}
    await staffer.post(f"/customers/{person.id}/deposits", money)
    await staffer.post(f"/customers/{person.id}/withdrawals", {**money, "amount_minor": 10})
    large = {**money, "amount_minor": 200_000}
    hold = (await staffer.ask("POST", f"/customers/{person.id}/withdrawals", large)).json()
    order = await purser.new_order(person, 700, 800)
    paid_order = await purser.new_order(person, 300)
    await staffer.post(f"/orders/{paid_order}/payments", {})
    begun = await person.post("/tickets", {"subject": "About it", "text": "A question", "order_number": order})
    ticket = str(begun["ticket"]["id"])
    await staffer.post(f"/tickets/{ticket}/messages", {"text": "An answer"})
    await staffer.ask("PATCH", f"/orders/{order}/items/1", {"unit_price_minor": 750})
    cancelled = await purser.new_order(person, 100)
    await staffer.post(f"/orders/{cancelled}/cancellation", {"reason": ACT_NOTE})
    await purser.settled(paid_order)
    return Household(person, order, paid_order, ticket, str(hold["id"]))


@pytest.fixture(scope="module")
async def staffer(purser: System) -> Person:
    """Somebody of the staff whose login no customer may read; put right again where a test has changed them."""
    async with purser.databases["gateway"].transaction() as session:
        await set_staff_login(session, STAFF_LOGIN, "admin", PASSWORD)
    return await purser.sign_in(STAFF_LOGIN)


@pytest.fixture(scope="module")
async def world(purser: System, staffer: Person) -> World:
    return World(purser, await _household(purser, staffer), await _household(purser, staffer))


@pytest.fixture(params=SERVICES, scope="module")
async def service(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Service]:
    """A service, asked past the gateway."""
    async with httpx.AsyncClient(base_url=world.service(request.param), timeout=30) as http:
        yield request.param, http


async def request(
    http: httpx.AsyncClient, method: str, url: str, body: object = None, headers: dict[str, str] | None = None
) -> httpx.Response:
    """The answer; of a live stream only how it begins."""
    every = {"Idempotency-Key": str(uuid4()), **(headers or {})}
    async with http.stream(method, url, json=body, headers=every) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aread()
        return answer
