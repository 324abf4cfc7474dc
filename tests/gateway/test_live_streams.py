"""Live push, from the broker to the browser."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from sqlalchemy.engine import make_url

from gateway.consumers import push_live
from gateway.live import STREAMS_PER_LOGIN, Live
from shared.auth import Caller, Role
from shared.contracts.base import Event
from shared.contracts.http.support import Author
from shared.envelope import batch_of
from shared.messaging import BATCHES
from tests.eventually import eventually
from tests.gateway.conftest import Gateway, Person, code
from tests.gateway.events import balance_changed, counts_changed, order_changed, ticket_changed
from tests.gateway.fakes import balance_view, ticket_counts
from tests.gateway.test_live import joined
from tests.installation import Installation
from tests.link import linked

STAFF = Caller("oper", Role.OPERATOR)


@dataclass
class Browser:
    """What an open browser has been shown."""

    shown: list[tuple[str, Any]] = field(default_factory=list)
    place: str = ""
    ended: bool = False

    async def sees(self, name: str, **facts: object) -> Any:
        async def look() -> bool:
            return any(name == seen and facts.items() <= data.items() for seen, data in self.shown)

        await eventually(look, f"{name} with {facts} among {self.shown}")

    @property
    def told(self) -> list[str]:
        """The events by name, without the signs of life."""
        return [name for name, _ in self.shown if name != "beacon"]

    async def ends(self) -> None:
        async def look() -> bool:
            return self.ended

        await eventually(look, "the stream ends")


@asynccontextmanager
async def browser(person: Person, last_event_id: str = "") -> AsyncIterator[Browser]:
    door = "portal" if person.id else "admin"
    headers = {"Authorization": f"Bearer {person.token}", **({"Last-Event-ID": last_event_id} if last_event_id else {})}
    open_one = Browser()
    async with person.http.stream("GET", f"/api/{door}/live", headers=headers, timeout=None) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")

        async def read() -> None:
            event: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if line:
                    event[name] = value
                elif "event" in event:
                    open_one.shown.append((event["event"], json.loads(event["data"])))
                    open_one.place = event.get("id", open_one.place)
                    event = {}
            open_one.ended = True

        reading = asyncio.create_task(read())
        yield open_one
        reading.cancel()


async def tell(gateway: Gateway, *events: Event) -> None:
    """As the services' relays do."""
    installation = gateway.orders.installation
    for event in events:
        user = event.routing_key.partition(".")[0]
        async with await aio_pika.connect(installation.broker_url(user)) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(BATCHES, ensure=False)
            row = {
                "event_id": uuid4(),
                "routing_key": event.routing_key,
                "subject": event.subject,
                "at": event.at,
                "correlation_id": None,
                "body": event.model_dump_json(),
            }
            await exchange.publish(batch_of(user, [row]), event.routing_key)


@pytest.fixture
async def hearing(gateway: Gateway) -> None:
    """The gateway hears the broker, and has heard all that was told to find that out."""
    live: Live = gateway.app.state.live

    async def heard() -> bool:
        place, probe = live.place, uuid4()
        await tell(gateway, order_changed(probe))

        async def comes() -> bool:
            return any(str(probe).encode() in frame for frame in live.missed(STAFF, place) or [])

        with suppress(AssertionError):
            await eventually(comes, "this one is heard", seconds=1)
            return True
        return False

    await eventually(heard, "the gateway hears what is told")


async def test_a_stream_begins_with_how_things_stand_for_a_customer(gateway: Gateway, hearing: None) -> None:
    me = await gateway.person(Role.CUSTOMER)
    assert me.id is not None
    gateway.billing.answers["GET /balances"] = (200, [balance_view(me.id)])
    gateway.support.answers["GET /ticket-counts/of-customers"] = (200, [ticket_counts(me.id)])
    async with browser(me) as mine:
        await mine.sees("snapshot", unavailable=["orders"], orders=None)
        _, snapshot = mine.shown[0]
        assert (snapshot["balance"]["available_minor"], snapshot["ticket_counts"]["total"]) == (500, 4)


async def test_what_the_services_tell_comes_to_those_who_may_hear_it(gateway: Gateway, hearing: None) -> None:
    me, stranger, operator = [await gateway.person(role) for role in (Role.CUSTOMER, Role.CUSTOMER, Role.OPERATOR)]
    assert me.id is not None
    gateway.support.answers["GET /ticket-counts"] = (200, {"new": 7, "version": 9})
    async with browser(me) as mine, browser(stranger) as theirs, browser(operator) as staffs:
        for each in (mine, theirs, staffs):
            await each.sees("snapshot")
        assert staffs.shown[0][1]["shop_counts"] == {"new": 7, "version": 9}
        await tell(gateway, order_changed(me.id), balance_changed(me.id), counts_changed(me.id))
        await tell(gateway, ticket_changed(me.id, Author.STAFF))
        for each in (mine, staffs):
            await each.sees("order_changed", number="ORD-0000000023", status="paid", customer_id=str(me.id))
            await each.sees("balance_changed", available_minor=8)
            await each.sees("ticket_counts_changed", new=1, total=2)
            await each.sees("ticket_changed", answered=True)
            await each.sees("message_added", customer_id=str(me.id))
        await staffs.sees("ticket_counts_changed", shop_new=7)
        assert not [data for _, data in mine.shown if {"shop_new", "shop_counts"} & data.keys()]
        assert theirs.told == ["snapshot"]


async def test_a_browser_that_comes_back_goes_on_where_it_was(gateway: Gateway, hearing: None) -> None:
    operator, customer_id = await gateway.person(Role.OPERATOR), uuid4()
    async with browser(operator) as first:
        await first.sees("snapshot")
    await tell(gateway, order_changed(customer_id, 5), order_changed(customer_id, 6))

    async def told_both() -> bool:
        return len(gateway.app.state.live.missed(STAFF, first.place) or []) == 2

    await eventually(told_both, "both are remembered")
    async with browser(operator, first.place) as second:
        await second.sees("order_changed", version=6)
        assert second.told == ["order_changed", "order_changed"]


async def test_after_a_break_a_browser_begins_anew_because_something_may_not_have_been_heard(
    installation: Installation,
) -> None:
    broker = make_url(installation.broker_url("gateway"))
    async with linked(broker.host or "", broker.port or 0) as link:
        near = broker.set(host="127.0.0.1", port=link.local_port).render_as_string(hide_password=False)
        live = Live()
        places = [live.place]
        listening = asyncio.create_task(push_live(live, near))
        await eventually(lambda: _anew(live, places[0]), "the gateway hears the broker")
        _, wire = joined(live)
        places.append(live.place)
        with link.cut():
            await asyncio.sleep(0)
        await eventually(lambda: _anew(live, places[1]), "it hears the broker again")
        assert not wire.is_open
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _anew(live: Live, place: str) -> bool:
    """What is remembered begins later than there."""
    return live.missed(STAFF, place) is None


async def test_a_beacon_counts_what_the_browser_was_shown(
    gateway: Gateway, hearing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.streams.BEACON_SECONDS", 0.1)
    operator = await gateway.person(Role.OPERATOR)
    async with browser(operator) as mine:
        await mine.sees("snapshot")
        await tell(gateway, *(order_changed(uuid4()) for _ in range(3)))
        await mine.sees("beacon", told=4)
    async with browser(operator, mine.place) as back:
        await back.sees("beacon", told=0)


async def test_signing_out_ends_the_streams(gateway: Gateway, hearing: None) -> None:
    person = await gateway.person(Role.OPERATOR)
    async with browser(person) as mine:
        await mine.sees("snapshot")
        await person.ask("DELETE", "/api/session")
        await mine.ends()


async def test_a_browser_that_goes_away_is_forgotten(gateway: Gateway, hearing: None) -> None:
    person = await gateway.person(Role.OPERATOR)
    async with browser(person) as mine:
        await mine.sees("snapshot")
        assert gateway.app.state.live._open[person.login] == 1

    async def gone() -> bool:
        return person.login not in gateway.app.state.live._open

    await eventually(gone, "its stream is left")


async def test_the_stream_too_many_is_refused(gateway: Gateway) -> None:
    person = await gateway.person(Role.OPERATOR)
    gateway.app.state.live._open[person.login] = STREAMS_PER_LOGIN
    answer = await person.ask("GET", "/api/admin/live")
    assert code(answer) == (429, "too_many_streams")
    del gateway.app.state.live._open[person.login]
