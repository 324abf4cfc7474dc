"""Live push: who is connected to a gateway, and what was told lately."""

import asyncio
from uuid import UUID, uuid4

import pytest

from gateway import live as live_push
from gateway.errors import GatewayFull, TooManyStreams
from gateway.live import STREAMS_PER_LOGIN, WAITING, Live, Push, Stream
from gateway.news import TicketCountsChanged as TicketCountsNews
from shared.auth import Caller, Role

STAFF = Caller("oper", Role.OPERATOR)


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


async def test_what_is_for_staff_alone_no_customer_hears() -> None:
    live, ann = Live(), uuid4()
    caller = Caller("a", Role.CUSTOMER, ann)
    anns, staffs = Stream(caller, b""), Stream(STAFF, b"")
    for stream in (anns, staffs):
        live.join(stream)
    place = live.place
    live.push(Push(ann, None, news(ann).for_staff))
    assert await waiting(anns) == [] == live.missed(caller, place)
    assert len(await waiting(staffs)) == 1 == len(live.missed(STAFF, place) or [])


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
    monkeypatch.setattr(live_push, "BEACON_SECONDS", 0.01)
    assert await anext(Stream(STAFF, b"").frames()) == b'event: beacon\ndata: {"told":0}\n\n'


async def test_a_beacon_tells_how_many_events_were_told_also_on_a_busy_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_push, "BEACON_SECONDS", 0.01)
    live, stream = Live(), Stream(STAFF, b"")
    live.join(stream)
    frames, shown, beacons = stream.frames(told=3), 3, 0
    while beacons < 3:
        live.push(news(uuid4()))
        frame = await anext(frames)
        if b"event: beacon" in frame:
            assert b'{"told":%d}' % shown in frame
            beacons += 1
        else:
            shown += 1
        await asyncio.sleep(0.002)
    assert shown > 6


async def test_a_gateway_has_so_many_streams_and_no_more() -> None:
    live, callers = Live(most_streams=2), [Caller(f"oper{n}", Role.OPERATOR) for n in range(3)]
    first, *_ = streams = [Stream(caller, b"") for caller in callers]
    for stream in streams[:2]:
        live.join(stream)
    with pytest.raises(GatewayFull):
        live.join(streams[2])
    live.leave(first)
    live.join(streams[2])
