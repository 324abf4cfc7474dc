"""Live push: who is connected to a gateway, and what was told lately."""

import asyncio
import resource
from uuid import UUID, uuid4

import pytest

from gateway import live as live_push
from gateway.errors import GatewayFull, TooManyStreams
from gateway.live import STREAMS_PER_LOGIN, TOGETHER_SECONDS, Live, Push
from gateway.news import TicketCountsChanged as TicketCountsNews
from gateway.streams import WAITING_EVENTS, Stream
from shared.auth import Caller, Role
from shared.handover import LAST_CHUNK
from tests.eventually import eventually

STAFF = Caller("oper", Role.OPERATOR)


class Wire(asyncio.Transport):
    """What a connection would send."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.untaken_bytes = 0
        self.is_open = True
        stream.succeed(self, set())

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data:
            self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.untaken_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def close(self) -> None:
        self.is_open = False

    abort = close


def joined(live: Live, caller: Caller = STAFF) -> tuple[Stream, Wire]:
    stream = live.join(caller, b"")
    return stream, Wire(stream)


async def told() -> None:
    """Staff are told many things together."""
    await asyncio.sleep(2 * TOGETHER_SECONDS)


def news(customer_id: UUID, new: int = 0, for_staff: int | None = None) -> Push:
    counts = TicketCountsNews(customer_id=customer_id, new=new, total=1, answered=0, version=1)
    return Push(customer_id, counts, counts.model_copy(update={"shop_new": for_staff}) if for_staff else counts)


async def test_a_customer_hears_only_of_their_own() -> None:
    live, ann, bob = Live(), uuid4(), uuid4()
    (_, anns), (_, bobs), (_, staffs) = [
        joined(live, caller) for caller in (Caller("a", Role.CUSTOMER, ann), Caller("b", Role.CUSTOMER, bob), STAFF)
    ]
    live.push(news(ann, 1, for_staff=7))
    await told()
    assert [b"shop_new" not in frame for frame in anns.written] == [True]
    assert bobs.written == []
    assert [b'"shop_new":7' in frame for frame in staffs.written] == [True]


async def test_what_is_for_staff_alone_no_customer_hears() -> None:
    live, ann = Live(), uuid4()
    caller = Caller("a", Role.CUSTOMER, ann)
    (_, anns), (_, staffs) = joined(live, caller), joined(live)
    place = live.place
    live.push(Push(ann, None, news(ann).for_staff))
    await told()
    assert anns.written == [] == live.missed(caller, place)
    assert len(staffs.written) == 1 == len(live.missed(STAFF, place) or [])


async def test_staff_are_told_at_once_what_happens_now_and_then_and_together_what_happens_at_one_time() -> None:
    live = Live()
    _, wire = joined(live)
    for version in range(40):
        live.push(news(uuid4(), version))
        if version in (0, 19):
            await asyncio.sleep(0)
    await told()
    assert b"".join(wire.written).count(b"event: ticket_counts_changed") == 40
    assert len(wire.written) <= 3


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
    live = Live()
    _, wire = joined(live)
    place = live.place
    live.begin_anew()
    assert (wire.written, wire.is_open) == ([LAST_CHUNK], False)
    assert live.missed(STAFF, place) is None


async def test_what_is_told_while_the_beginning_is_gathered_comes_after_it() -> None:
    live = Live()
    stream = live.join(STAFF, b"")
    live.push(news(uuid4(), 7))
    await told()
    assert [b'"new":7' in frame for frame in Wire(stream).written] == [True]


async def test_a_stream_that_ends_while_its_beginning_is_gathered_has_ended() -> None:
    live = Live()
    stream = live.join(STAFF, b"")
    live.begin_anew()
    wire = Wire(stream)
    assert (wire.written, wire.is_open) == ([LAST_CHUNK], False)


async def test_for_a_beginning_that_takes_too_long_no_more_than_so_much_waits() -> None:
    live, ann = Live(), uuid4()
    stream, (_, other) = live.join(Caller("a", Role.CUSTOMER, ann), b""), joined(live, Caller("b", Role.CUSTOMER, ann))
    for _ in range(WAITING_EVENTS + 1):
        live.push(news(ann))
    assert Wire(stream).written == [LAST_CHUNK]
    assert len(other.written) == WAITING_EVENTS + 1


async def test_who_has_taken_nothing_for_two_beacons_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.streams.BEACON_SECONDS", 0.02)
    live = Live()
    (stream, deaf), (_, other) = joined(live), joined(live)
    deaf.untaken_bytes = 1
    await eventually(lambda: _told(other, 4), "the other is told that it is alive")
    assert (len(deaf.written), deaf.is_open) == (1, False)
    stream.connection_lost(None)
    assert len(live._all()) == 1


async def _told(wire: Wire, times: int) -> bool:
    return len(wire.written) >= times


async def test_one_login_has_so_many_streams_and_no_more() -> None:
    live = Live()
    streams = [live.join(STAFF, b"") for _ in range(STREAMS_PER_LOGIN)]
    with pytest.raises(TooManyStreams):
        live.join(STAFF, b"")
    live.join(Caller("other", Role.OPERATOR), b"")
    live.leave(streams[0])
    live.join(STAFF, b"")


async def test_a_beacon_tells_how_many_events_were_told_also_on_a_busy_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.streams.BEACON_SECONDS", 0.02)
    live = Live()
    stream, wire = joined(live)
    stream.told = 3

    def beacons() -> list[bytes]:
        return [each for each in wire.written if b"event: beacon" in each]

    async def busy() -> bool:
        live.push(news(uuid4()))
        return len(beacons()) >= 3

    await eventually(busy, "three beacons")
    shown = 3
    for each in wire.written:
        if each in beacons():
            assert b'{"told":%d}' % shown in each
        shown += each.count(b"event: ticket_counts_changed")
    assert shown > 5


async def test_a_quiet_stream_shows_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.streams.BEACON_SECONDS", 0.02)
    _, wire = joined(Live())
    await eventually(lambda: _told(wire, 2), "two beacons")
    assert set(wire.written) == {b'20\r\nevent: beacon\ndata: {"told":0}\n\n\r\n'}


async def test_a_gateway_has_so_many_streams_and_no_more() -> None:
    live, callers = Live(most_streams=2), [Caller(f"oper{n}", Role.OPERATOR) for n in range(3)]
    first, _ = [live.join(caller, b"") for caller in callers[:2]]
    with pytest.raises(GatewayFull):
        live.join(callers[2], b"")
    live.leave(first)
    live.join(callers[2], b"")


@pytest.mark.parametrize(("may_open", "room"), [(4_096, 3_596), (20_000, 10_000), (resource.RLIM_INFINITY, 10_000)])
def test_a_gateway_that_may_not_open_enough_files_has_fewer_streams(
    monkeypatch: pytest.MonkeyPatch, may_open: int, room: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1_024, may_open))
    assert live_push.room_for_streams(10_000) == room
