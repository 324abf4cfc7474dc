"""Staff look for orders among 1,000,000 of as many customers: a list's first page, asked of the gateway.

Beside it one customer by their key, asked the same way. Names are drawn from 24 first and 4,096 last ones.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks import browsers, shop
from benchmarks.browsers import Connection
from benchmarks.report import Table, across, quantile
from benchmarks.system import Purser
from shared.cursors import encode_cursor

ORDERS = 1_000_000
REQUESTS = 100
ROUNDS = 3
KEY = "one customer by their key"
# One order in 1,000 has it.
RARE = "ready_to_ship"


@dataclass(frozen=True)
class Drawn:
    """An order by chance, and its customer."""

    number: int
    name: str
    email: str

    @property
    def first(self) -> str:
        return self.name.split()[0]

    @property
    def last(self) -> str:
        return self.name.split()[1]


def _orders(**query: str) -> str:
    return f"/api/admin/orders?{urlencode(query)}"


def _customers(q: str) -> str:
    return f"/api/admin/customers?{urlencode({'q': q})}"


SEARCHES: dict[str, Callable[[Drawn], str]] = {
    KEY: lambda drawn: f"/api/admin/customers/{shop.customer_id(drawn.number)}",
    "all, newest first": lambda _: _orders(),
    "all, from the middle on": lambda _: _orders(cursor=encode_cursor(ORDERS // 2)),
    "a rare status": lambda _: _orders(status=RARE),
    "a number": lambda drawn: _orders(q=shop.order_number(drawn.number)),
    "its last 4 digits": lambda drawn: _orders(q=f"{drawn.number % 10_000:04d}"),
    "its last digit": lambda drawn: _orders(q=str(drawn.number % 10)),
    "an e-mail": lambda drawn: _orders(q=drawn.email),
    "an e-mail, a rare status": lambda drawn: _orders(q=drawn.email, status=RARE),
    "a whole name": lambda drawn: _orders(q=drawn.name),
    "a last name": lambda drawn: _orders(q=drawn.last),
    "a first name": lambda drawn: _orders(q=drawn.first),
    "a first name, a rare status": lambda drawn: _orders(q=drawn.first, status=RARE),
    "two letters of many": lambda drawn: _orders(q=drawn.last[:2]),
    "two letters of nobody": lambda _: _orders(q="qx"),
    "what every e-mail has": lambda _: _orders(q="@example.org"),
    "what nobody has": lambda _: _orders(q="xylophone"),
    "a customer by a whole name": lambda drawn: _customers(drawn.name),
    "a customer by a login": lambda drawn: _customers(f"c{drawn.number}"),
}


async def run(purser: Purser) -> list[Table]:
    await shop.open_shop(purser, ORDERS, ORDERS)
    drawn = await _draw(purser)
    connection = await browsers.connect(purser.port)
    p99: dict[str, list[float]] = {name: [] for name in SEARCHES}
    for _ in range(ROUNDS):
        for name, search in SEARCHES.items():
            p99[name].append(quantile([await _ask(connection, search(each)) for each in drawn], 0.99))
    connection.transport.close()
    by_key = p99[KEY]
    return [
        Table(
            f"p99 ms, one client, {ROUNDS} rounds of {REQUESTS}",
            {name: across(values, 1) for name, values in p99.items()},
        ),
        Table(
            f"as a multiple of {KEY}",
            {
                name: across([value / beside for value, beside in zip(values, by_key, strict=True)], 1)
                for name, values in p99.items()
                if name != KEY
            },
        ),
    ]


async def _draw(purser: Purser) -> list[Drawn]:
    """Those who are looked for, in an order by chance."""
    numbers = random.Random(7).sample(range(1, ORDERS + 1), REQUESTS)
    async with purser.database("orders") as database:
        await database.execute(f"UPDATE orders SET status = '{RARE}' WHERE number % 1000 = 7")
        await database.execute("VACUUM ANALYZE orders")
        wanted = "SELECT number, name, email FROM orders JOIN customers ON id = customer_id WHERE number = ANY ($1)"
        found = [Drawn(**row) for row in await database.fetch(wanted, numbers)]
    return random.Random(7).sample(found, REQUESTS)


async def _ask(connection: Connection, path: str) -> float:
    begun = time.perf_counter()
    status, answer = await connection.ask("GET", path, browsers.signed_in(shop.STAFF_TOKEN))
    assert status == 200, answer
    return (time.perf_counter() - begun) * 1000
