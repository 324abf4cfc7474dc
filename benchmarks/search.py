"""Staff look for orders among 1,000,000 of as many customers: the list's first page, through the gateway.

Beside it one customer by their key, by the same way. Names are drawn from 24 first and 4,096 last ones.
"""

import random
import time
from collections.abc import Callable
from urllib.parse import urlencode

from benchmarks import browsers, shop
from benchmarks.browsers import Connection
from benchmarks.report import Table, across, quantile
from benchmarks.system import Purser

ORDERS = 1_000_000
REQUESTS = 100
ROUNDS = 3
KEY = "one customer by their key"

# What is asked for, of a customer who is drawn anew each time.
Drawn = tuple[int, str, str]
SEARCHES: dict[str, Callable[[Drawn], dict[str, str]]] = {
    "no search": lambda _: {},
    "a number": lambda drawn: {"q": shop.order_number(drawn[0])},
    "its last 4 digits": lambda drawn: {"q": f"{drawn[0] % 10_000:04d}"},
    "its last digit": lambda drawn: {"q": str(drawn[0] % 10)},
    "an e-mail": lambda drawn: {"q": drawn[2]},
    "an e-mail, orders completed": lambda drawn: {"q": drawn[2], "status": "completed"},
    "a whole name": lambda drawn: {"q": drawn[1]},
    "a last name": lambda drawn: {"q": drawn[1].split()[1]},
    "a first name": lambda drawn: {"q": drawn[1].split()[0]},
    "a first name, orders completed": lambda drawn: {"q": drawn[1].split()[0], "status": "completed"},
    "a part of every e-mail": lambda _: {"q": "@example.org"},
    "two letters of many": lambda drawn: {"q": drawn[1][-2:]},
    "two letters of nobody": lambda _: {"q": "qx"},
    "nobody's name": lambda _: {"q": "xylophone"},
}


async def run(purser: Purser) -> list[Table]:
    await shop.open_shop(purser, ORDERS, ORDERS)
    connection = await browsers.connect(purser.port)
    async with purser.database("orders") as database:
        wanted = random.Random(7).sample(range(1, ORDERS + 1), REQUESTS)
        found = await database.fetch(
            "SELECT login, name, email FROM customers WHERE login = ANY ($1)", [f"c{n}" for n in wanted]
        )
    drawn = [(int(row["login"][1:]), row["name"], row["email"]) for row in found]
    paths = {KEY: [f"/api/admin/customers/{shop.customer_id(number)}" for number, *_ in drawn]}
    for name, search in SEARCHES.items():
        paths[name] = [f"/api/admin/orders?{urlencode(search(each))}" for each in drawn]
    p99: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(ROUNDS):
        for name, several in paths.items():
            p99[name].append(quantile([await _ask(connection, path) for path in several], 0.99))
    connection.transport.close()
    return [
        Table(
            f"p99 ms, one client, {ROUNDS} rounds of {REQUESTS}",
            {name: across(values, 1) for name, values in p99.items()},
        ),
        Table(
            f"as a multiple of {KEY}",
            {
                name: across([value / key for value, key in zip(values, p99[KEY], strict=True)], 1)
                for name, values in p99.items()
                if name != KEY
            },
        ),
    ]


async def _ask(connection: Connection, path: str) -> float:
    begun = time.perf_counter()
    status, answer = await connection.ask("GET", path, browsers.signed_in(shop.STAFF_TOKEN))
    assert status == 200, answer
    return (time.perf_counter() - begun) * 1000
