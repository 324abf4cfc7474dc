"""Live push: what comes to whom, from the broker to the browser."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import pytest

from gateway import live as live_push
from gateway.consumers import pushes
from gateway.errors import TooManyStreams
from gateway.live import STREAMS_PER_LOGIN, WAITING, Live, Push, Stream
from gateway.news import TicketCountsChanged as TicketCountsNews
from shared.auth import Caller, Role
from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged
from shared.contracts.http.support import Author, MessageView, TicketStatus
from shared.contracts.orders import OrderChanged, OrderStatus
from shared.contracts.support import TicketChanged, TicketCountsChanged
from shared.messaging import EVENTS
from tests.eventually import eventually
from tests.gateway.conftest import Gateway, Person, code
from tests.gateway.fakes import balance_view, ticket_counts

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAFF = Caller("oper", Role.OPERATOR)


def order_changed(customer_id: UUID, version: int = 2) -> OrderChanged:
    return OrderChanged(
        order_number="ORD-0000000023", customer_id=customer_id, status=OrderStatus.PAID, currency="USD",
        total_minor=5, paid_minor=5, remaining_minor=0, version=version, at=NOW,
    )  # fmt: skip


def counts_changed(customer_id: UUID) -> TicketCountsChanged:
    return TicketCountsChanged(
        customer_id=customer_id, new=1, total=2, answered=0, shop_new=7, shop_version=9, version=3, at=NOW
    )


def ticket_changed(customer_id: UUID, author: Author) -> TicketChanged:
    message = MessageView(id=uuid4(), seq=1, author=author, author_login="oper", text="Hello", at=NOW)
    return TicketChanged(
        ticket_id=uuid4(), customer_id=customer_id, order_number=None, status=TicketStatus.OPEN, new=False,
        answered=True, message=message, version=2, at=NOW,
    )  # fmt: skip


def balance_changed(customer_id: UUID) -> BalanceChanged:
    return BalanceChanged(
        customer_id=customer_id, currency="USD", balance_minor=9, held_minor=1, available_minor=8, version=4, at=NOW
    )


def told(event: Event) -> list[Push]:
    return list(pushes(event.routing_key, event.model_dump_json().encode()))


# --- What is pushed ---------------------------------------------------------------------------------------------------


def test_each_event_says_what_changed_and_for_whom() -> None:
    customer_id = uuid4()
    [order], [balance] = told(order_changed(customer_id)), told(balance_changed(customer_id))
    assert order.for_customer is order.for_staff
    assert (order.for_staff.event(), order.customer_id) == ("order_changed", customer_id)
    assert order.for_staff.model_dump(mode="json") == {
        "number": "ORD-0000000023", "customer_id": str(customer_id), "status": "paid", "version": 2,
        "total_minor": 5, "paid_minor": 5, "remaining_minor": 0,
    }  # fmt: skip
    assert balance.for_customer.event() == "balance_changed"
    assert '"available_minor":8,"version":4}' in balance.for_customer.model_dump_json()


def test_only_staff_hear_the_shops_count() -> None:
    [counts] = told(counts_changed(uuid4()))
    assert "shop_new" not in counts.for_customer.model_dump(exclude_unset=True)
    assert counts.for_staff.model_dump(include={"shop_new", "shop_version"}) == {"shop_new": 7, "shop_version": 9}


@pytest.mark.parametrize(("author", "shown"), [(Author.STAFF, None), (Author.CUSTOMER, "oper")])
def test_a_customer_hears_what_staff_wrote_but_not_which_of_them(author: Author, shown: str | None) -> None:
    ticket, added = told(ticket_changed(uuid4(), author))
    assert (ticket.for_staff.event(), added.for_staff.event()) == ("ticket_changed", "message_added")
    for_customer, for_staff = added.for_customer.model_dump()["message"], added.for_staff.model_dump()["message"]
    assert (for_customer["text"], for_customer["author_login"], for_staff["author_login"]) == ("Hello", shown, "oper")


def test_what_is_no_valid_event_is_not_pushed() -> None:
    assert not list(pushes("orders.order_changed.v1", b"{}"))
    assert not list(pushes("orders.something_new.v1", b"{}"))


# --- Who is connected -------------------------------------------------------------------------------------------------


def news(customer_id: UUID, new: int = 0, for_staff: int | None = None) -> Push:
    counts = TicketCountsNews(customer_id=customer_id, new=new, total=1, answered=0, version=1)
    return Push(customer_id, counts, counts.model_copy(update={"shop_new": for_staff}) if for_staff else counts)


async def waiting(stream: Stream) -> list[bytes]:
    """What the stream would send now."""
    frames = []
    try:
        async with asyncio.timeout(0.05):
            async for frame in stream.frames():
                frames.append(frame)
    except TimeoutError:
        pass
    return frames


async def test_a_customer_hears_only_of_their_own() -> None:
    live, ann, bob = Live(), uuid4(), uuid4()
    anns, bobs, staffs = [
        Stream(caller, b"") for caller in (Caller("a", Role.CUSTOMER, ann), Caller("b", Role.CUSTOMER, bob), STAFF)
    ]
    for stream in (anns, bobs, staffs):
        live.join(stream)
    live.push(news(ann, 1, for_staff=7))
    assert [b"shop_new" not in frame for frame in await waiting(anns)] == [True]
    assert await waiting(bobs) == []
    assert [b'"shop_new":7' in frame for frame in await waiting(staffs)] == [True]


async def test_a_browser_that_comes_back_hears_what_it_missed_of_its_own() -> None:
    live, ann, bob = Live(), uuid4(), uuid4()
    caller = Caller("a", Role.CUSTOMER, ann)
    place = live.place
    for customer_id in (ann, bob, ann):
        live.push(news(customer_id))
    missed = live.missed(caller, place)
    assert missed is not None
    assert [frame.split(b"id: ")[1].split(b"\n")[0] for frame in missed] == [
        place.replace(":0", ":1").encode(), place.replace(":0", ":3").encode(),
    ]  # fmt: skip
    assert live.missed(caller, live.place) == []


@pytest.mark.parametrize("last", ["", "other:1", "x", "{epoch}:9", "{epoch}:-1", "{epoch}:٣", "{epoch}:" + "9" * 90])
async def test_a_place_that_is_not_known_means_beginning_anew(last: str) -> None:
    live = Live()
    live.push(news(uuid4()))
    assert live.missed(STAFF, last.replace("{epoch}", live.place.partition(":")[0])) is None


async def test_a_place_too_long_ago_means_beginning_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_push, "REMEMBERED", 3)
    live = Live()
    epoch = live.place.partition(":")[0]
    for _ in range(5):
        live.push(news(uuid4()))
    assert live.missed(STAFF, f"{epoch}:1") is None
    assert len(live.missed(STAFF, f"{epoch}:2") or []) == 3


async def test_after_a_break_everybody_begins_anew() -> None:
    live, stream = Live(), Stream(STAFF, b"")
    live.join(stream)
    place = live.place
    live.begin_anew()
    assert [frame async for frame in stream.frames()] == []
    assert live.missed(STAFF, place) is None


async def test_a_browser_that_does_not_listen_is_left_and_holds_nobody_up() -> None:
    live, deaf, other = Live(), Stream(STAFF, b"d"), Stream(STAFF, b"o")
    live.join(deaf)
    for _ in range(WAITING):
        live.push(news(uuid4()))
    live.join(other)
    live.push(news(uuid4()))
    assert [frame async for frame in deaf.frames()] == []
    assert len(await waiting(other)) == 1


async def test_one_login_has_so_many_streams_and_no_more() -> None:
    live = Live()
    streams = [Stream(STAFF, b"") for _ in range(STREAMS_PER_LOGIN)]
    for stream in streams:
        live.join(stream)
    with pytest.raises(TooManyStreams):
        live.join(Stream(STAFF, b""))
    live.join(Stream(Caller("other", Role.OPERATOR), b""))
    live.leave(streams[0])
    live.join(Stream(STAFF, b""))


async def test_a_quiet_stream_shows_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_push, "PING_SECONDS", 0.01)
    async for frame in Stream(STAFF, b"").frames():
        assert frame.startswith(b":")
        break


# --- From the broker to the browser -----------------------------------------------------------------------------------


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
                    open_one.place = event["id"]
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
            exchange = await channel.get_exchange(EVENTS, ensure=False)
            await exchange.publish(aio_pika.Message(event.model_dump_json().encode()), event.routing_key)


@pytest.fixture
async def hearing(gateway: Gateway) -> None:
    """The gateway hears the broker."""
    probe = uuid4()

    async def heard() -> bool:
        before = gateway.app.state.live.place
        await tell(gateway, order_changed(probe))
        await asyncio.sleep(0.05)
        return bool(gateway.app.state.live.place.partition(":")[2] != "0" and gateway.app.state.live.place != before)

    await eventually(heard, "the gateway hears what is told")


async def test_a_stream_begins_with_how_things_stand_for_a_customer(gateway: Gateway, hearing: None) -> None:
    me = await gateway.person(Role.CUSTOMER)
    assert me.id is not None
    gateway.billing.answers[f"GET /customers/{me.id}/balance"] = (200, balance_view(me.id))
    gateway.support.answers[f"GET /customers/{me.id}/ticket-counts"] = (200, ticket_counts(me.id))
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
        assert [name for name, _ in theirs.shown] == ["snapshot"]


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
        assert [name for name, _ in second.shown] == ["order_changed", "order_changed"]


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
