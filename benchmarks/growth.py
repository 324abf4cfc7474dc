"""The same work in a small shop and in a large one, which run side by side and are asked in turn.

Small: 1,000 customers, 5,000 orders, 15,000 payments before. Large: 1,000,000 customers, 1,000,000 orders, 3,000,000
payments before. Staff take payments for orders by chance, 32 at a time, and wait until each is shown as Paid; and 8 of
them read pages of orders and customers by chance.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

from benchmarks import browsers, shop
from benchmarks.browsers import Connection, Stream
from benchmarks.report import Table, across
from benchmarks.rounds import Client, Round, drive
from benchmarks.system import Purser, private_purser

PAYERS, READERS = 32, 8
PAYMENTS, READS = 600, 400
ROUNDS = 5
PARTS = 3
BODY = json.dumps({"expected_remaining_minor": 2 * shop.PRICE_MINOR - PARTS * shop.PART_MINOR}).encode()
Work = Callable[["Shop", Connection], Client]


@dataclass
class Shop:
    """One of the two, and its orders and customers in an order by chance."""

    purser: Purser
    customers: int
    orders: int
    stream: Stream
    unpaid: Iterator[int]
    chance: random.Random

    async def drive(self, work: Work, clients: int, times: int) -> Round:
        connections = [await browsers.connect(self.purser.port) for _ in range(clients)]
        done = await drive(self.purser, times, [work(self, connection) for connection in connections])
        for connection in connections:
            connection.transport.close()
        return done


async def _open(purser: Purser, customers: int, orders: int) -> Shop:
    await shop.open_shop(purser, customers, orders, PARTS)
    stream = await browsers.listen(purser.port, shop.STAFF_TOKEN, "/api/admin")
    chance = random.Random(7)
    unpaid = iter(chance.sample(range(1, orders + 1), PAYMENTS * (ROUNDS + 1)))
    return Shop(purser, customers, orders, stream, unpaid, chance)


def _pay(at: Shop, connection: Connection) -> Client:
    async def pay() -> None:
        number = shop.order_number(next(at.unpaid))
        shows_paid = at.stream.shows(number, "paid")
        headers = {**browsers.signed_in(shop.STAFF_TOKEN), "Idempotency-Key": str(uuid4())}
        status, answer = await connection.ask("POST", f"/api/admin/orders/{number}/payments", headers, BODY)
        assert status == 201, answer
        await shows_paid

    return pay


def _reading(path: Callable[[Shop], str]) -> Work:
    def reader(at: Shop, connection: Connection) -> Client:
        async def read() -> None:
            status, answer = await connection.ask("GET", path(at), browsers.signed_in(shop.STAFF_TOKEN))
            assert status == 200, answer

        return read

    return reader


def _customer(at: Shop) -> str:
    return f"/api/admin/customers/{shop.customer_id(at.chance.randint(1, at.customers))}"


WORKS: dict[str, tuple[Work, int, int]] = {
    "a payment": (_pay, PAYERS, PAYMENTS),
    "an order's page": (
        _reading(lambda at: f"/api/admin/orders/{shop.order_number(at.chance.randint(1, at.orders))}"),
        READERS,
        READS,
    ),
    "a customer's balance": (_reading(lambda at: f"{_customer(at)}/balance"), READERS, READS),
    "a customer's transfers": (_reading(lambda at: f"{_customer(at)}/transfers"), READERS, READS),
    "the list's first page": (_reading(lambda _: "/api/admin/orders"), READERS, READS),
}


async def run(purser: Purser) -> list[Table]:
    async with private_purser("growth-small") as beside:
        small, large = await _open(beside, 1_000, 5_000), await _open(purser, 1_000_000, 1_000_000)
        rounds: dict[str, list[tuple[Round, Round]]] = {name: [] for name in WORKS}
        for number in range(ROUNDS + 1):
            for name, work in WORKS.items():
                both = await small.drive(*work), await large.drive(*work)
                if number:
                    rounds[name].append(both)
        for each in (small, large):
            each.stream.close()
    return [_table(name, several) for name, several in rounds.items()]


def _table(name: str, rounds: list[tuple[Round, Round]]) -> Table:
    _, clients, times = WORKS[name]
    return Table(
        f"{name}: {clients} clients, {ROUNDS} times {times} in each",
        {
            "CPU ms, small": across([small.cpu_ms_of_all for small, _ in rounds]),
            "CPU ms, large": across([large.cpu_ms_of_all for _, large in rounds]),
            "large by small": across([large.cpu_ms_of_all / small.cpu_ms_of_all for small, large in rounds]),
            "a second, small": across([small.per_second for small, _ in rounds], 0),
            "a second, large": across([large.per_second for _, large in rounds], 0),
            "small by large": across([small.per_second / large.per_second for small, large in rounds]),
            "WAL bytes, small": across([small.wal_bytes for small, _ in rounds], 0),
            "WAL bytes, large": across([large.wal_bytes for _, large in rounds], 0),
        },
    )
