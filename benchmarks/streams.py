"""Ten thousand browsers that listen to one gateway: what each costs, what they cost those who pay, and how soon all who
may see a change have been told of it."""

import asyncio
import re
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from uuid import UUID, uuid4

from benchmarks import browsers, shop
from benchmarks.payments import Payers, Round
from benchmarks.report import Table, across
from benchmarks.system import Purser

STREAMS = 10_000
# Who pays, each with a stream: all the streams that there are, or ten among many.
PAYERS = 10
OF_STAFF = 100
A_LOGIN = 20
PAYMENTS = 800
ORDERS = 40_000
ROUNDS = 3
CHANGES = 10
IDLE_SECONDS = 20
OPENED_AT_ONCE = 50

LISTENERS = f"""
    INSERT INTO accounts (login, role, customer_id)
    SELECT 'l' || n, 'customer', md5('listener ' || n)::uuid FROM generate_series(1, {STREAMS}) n
    UNION ALL SELECT 's' || n, 'operator', NULL FROM generate_series(1, {STREAMS // A_LOGIN}) n;
    INSERT INTO sessions (token_hash, login, expires_at)
    SELECT sha256(('token of ' || login)::bytea), login, now() + interval '12 hours' FROM accounts
    WHERE login ~ '^[ls]';
"""
BALANCES = f"""
    INSERT INTO accounts (id, kind, currency) SELECT md5('listener ' || n)::uuid, 'customer', 'USD'
    FROM generate_series(1, {STREAMS}) n;
"""
TICKET = b'{"subject": "Where is it?", "text": "I wait."}'
_WHOSE = re.compile(rb'"customer_id":"([0-9a-f-]{36})"')


class Listener(asyncio.Protocol):
    """A stream that remembers when it was told of whom."""

    def __init__(self, request: bytes, whose: bytes | None) -> None:
        self._request, self._whose = request, whose
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.others = 0
        self.told: dict[bytes, float] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.begun.done() and b"event: snapshot" in data:
            self.begun.set_result(None)
        for whose in _WHOSE.findall(data):
            self.told.setdefault(whose, time.perf_counter())
            self.others += self._whose not in (None, whose)


class Listeners:
    """So many browsers of customers, one each, and of staff."""

    def __init__(self, purser: Purser, customers: int, staff: int) -> None:
        self._port = purser.port
        self._wanted = [
            *((f"l{n}", "/api/portal", listener_id(n)) for n in range(1, customers + 1)),
            *((f"s{1 + n // A_LOGIN}", "/api/admin", None) for n in range(staff)),
        ]
        self.of_customers: list[Listener] = []
        self.of_staff: list[Listener] = []

    async def open(self) -> float:
        """How many begin a second."""
        left, begun = iter(self._wanted), time.perf_counter()

        async def work() -> None:
            for login, base, whose in left:
                listener = await self._listen(login, base, whose)
                (self.of_customers if whose else self.of_staff).append(listener)

        async with asyncio.TaskGroup() as group:
            for _ in range(OPENED_AT_ONCE):
                group.create_task(work())
        return len(self._wanted) / (time.perf_counter() - begun)

    async def _listen(self, login: str, base: str, whose: UUID | None) -> Listener:
        request = browsers.request("GET", f"{base}/live", browsers.signed_in(f"token of {login}"), b"")
        _, listener = await asyncio.get_running_loop().create_connection(
            lambda: Listener(request, str(whose).encode() if whose else None), "127.0.0.1", self._port
        )
        async with asyncio.timeout(browsers.PATIENCE_SECONDS):
            await listener.begun
        return listener

    @property
    def told_of_others(self) -> int:
        """Events about one customer that came to another one."""
        return sum(listener.others for listener in self.of_customers)

    async def told_of(self, whose: UUID, since: float) -> float:
        """Seconds until the last of all staff was told of something new about this customer."""
        key = str(whose).encode()
        async with asyncio.timeout(browsers.PATIENCE_SECONDS):
            while not all(key in listener.told for listener in self.of_staff):
                await asyncio.sleep(0.01)
        return max(listener.told[key] for listener in self.of_staff) - since

    def close(self) -> None:
        for listener in self.of_customers + self.of_staff:
            listener.transport.abort()


def listener_id(n: int) -> UUID:
    return shop.uuid_of(f"listener {n}")


@dataclass(frozen=True)
class Scene:
    """What was seen with so many streams open."""

    opened_per_second: float
    bytes_each: float
    idle_percent: float
    told_all_ms: Sequence[float]
    told_of_others: int


def allow_many_streams() -> None:
    """Each is an open file, at its other end too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def open_for_listeners(purser: Purser) -> None:
    """Customers l1, l2 ... and staff s1, s2 ..., who have signed in."""
    for database, statements in (("gateway", LISTENERS), ("billing", BALANCES)):
        async with purser.database(database) as connection:
            await connection.execute(statements)
            await connection.execute("VACUUM ANALYZE")


async def run(purser: Purser) -> list[Table]:
    """Payments with ten streams and with ten thousand, in turn; then ten thousand of staff, who hear of everything."""
    allow_many_streams()
    await shop.open_shop(purser, PAYERS, ORDERS)
    await open_for_listeners(purser)
    payers = Payers(purser, PAYERS)
    await payers.pay(PAYMENTS, range(1, PAYERS + 1))
    changed = count(1)
    few, many, mixed = list[Round](), list[Round](), list[Scene]()
    for _ in range(ROUNDS):
        few.append(await payers.pay(PAYMENTS, range(1, PAYERS + 1)))
        listeners = Listeners(purser, STREAMS - PAYERS - OF_STAFF, OF_STAFF)
        mixed.append(await _seen(purser, listeners, changed))
        many.append(await payers.pay(PAYMENTS, range(1, PAYERS + 1)))
        assert not listeners.told_of_others
        listeners.close()
    listeners = Listeners(purser, 0, STREAMS - PAYERS)
    of_staff = await _seen(purser, listeners, changed)
    listeners.close()
    return [_streams(mixed, of_staff), _payments(few, many)]


async def _seen(purser: Purser, listeners: Listeners, changed: Iterator[int]) -> Scene:
    memory = purser.memory_bytes()["gateway"]
    per_second = await listeners.open()
    await asyncio.sleep(1)
    bytes_each = (purser.memory_bytes()["gateway"] - memory) / len(listeners.of_customers + listeners.of_staff)
    cpu = purser.cpu_seconds()["gateway"]
    await asyncio.sleep(IDLE_SECONDS)
    idle_percent = 100 * (purser.cpu_seconds()["gateway"] - cpu) / IDLE_SECONDS
    connection, told_all_ms = await browsers.connect(purser.port), list[float]()
    for n in islice(changed, CHANGES):
        headers = {**browsers.signed_in(f"token of l{n}"), "Idempotency-Key": str(uuid4())}
        begun = time.perf_counter()
        status, answer = await connection.ask("POST", "/api/portal/tickets", headers, TICKET)
        assert status == 201, answer
        told_all_ms.append(1000 * await listeners.told_of(listener_id(n), begun))
    connection.transport.close()
    return Scene(per_second, bytes_each, idle_percent, told_all_ms, listeners.told_of_others)


def _streams(mixed: Sequence[Scene], of_staff: Scene) -> Table:
    told = [each for scene in mixed for each in scene.told_all_ms]
    return Table(
        f"{STREAMS:,} streams, {OF_STAFF} of them of staff: {len(mixed)} rounds",
        {
            "KiB of the gateway's memory, each": across([scene.bytes_each / 1024 for scene in mixed], 1),
            "opened a second": across([scene.opened_per_second for scene in mixed], 0),
            "the gateway's % of one core, while nothing happens": across([scene.idle_percent for scene in mixed], 1),
            "ms from a customer's click until the last of staff is told of the new ticket": across(told, 0),
            "events that came to a customer whom they were not about": across(
                [float(scene.told_of_others) for scene in mixed], 0
            ),
            "ms until the last is told, where all are staff's": across(of_staff.told_all_ms, 0),
        },
    )


def _payments(few: Sequence[Round], many: Sequence[Round]) -> Table:
    ratios = [before.per_second / after.per_second for before, after in zip(few, many, strict=True)]
    return Table(
        f"{PAYMENTS:,} payments by {PAYERS} clients",
        {
            f"a second, {PAYERS} streams": across([each.per_second for each in few], 0),
            f"a second, {STREAMS:,} streams": across([each.per_second for each in many], 0),
            "times slower": across(ratios),
            f"CPU ms a payment, {PAYERS} streams": across([each.cpu_ms_of_all for each in few]),
            f"CPU ms a payment, {STREAMS:,} streams": across([each.cpu_ms_of_all for each in many]),
            f"of it the gateway, {PAYERS} streams": across([each.cpu_ms["gateway"] for each in few]),
            f"of it the gateway, {STREAMS:,} streams": across([each.cpu_ms["gateway"] for each in many]),
        },
    )
