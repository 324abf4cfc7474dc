"""Customers who pay when they please, 200 a second by chance, and wait for nobody: how long each waits until the order
is shown as Paid, from when they click, be the system ready for it or not."""

import asyncio
import random
import time

from benchmarks import browsers, shop
from benchmarks.browsers import Connection
from benchmarks.payments import Payers
from benchmarks.report import Table, across, quantile
from benchmarks.system import Purser

PER_SECOND = 200
PAYMENTS = 2_000
# More than ever pay at the same time.
CUSTOMERS = 256
ORDERS = 200 * CUSTOMERS
ROUNDS = 4
SEED = 1

Browser = tuple[Connection, int]


async def run(purser: Purser) -> list[Table]:
    """The first round only warms up."""
    await shop.open_shop(purser, CUSTOMERS, ORDERS)
    payers, free, chance = Payers(purser, CUSTOMERS), asyncio.Queue[Browser](), random.Random(SEED)
    for customer in range(1, CUSTOMERS + 1):
        await payers.listen(customer)
        free.put_nowait((await browsers.connect(purser.port), customer))
    rounds = [await _round(payers, free, chance) for _ in range(1 + ROUNDS)][1:]
    p50s, p99s = ([quantile(shown_ms, share) for _, shown_ms in rounds] for share in (0.5, 0.99))
    return [
        Table(
            f"{PER_SECOND} payments a second by chance: {ROUNDS} rounds of {PAYMENTS:,}",
            {
                "shown Paid a second": across([per_second for per_second, _ in rounds], 0),
                "click to Paid, p50 ms": across(p50s, 1),
                "click to Paid, p99 ms": across(p99s, 1),
                "p99 by p50": across([p99 / p50 for p50, p99 in zip(p50s, p99s, strict=True)], 1),
            },
        )
    ]


async def _round(payers: Payers, free: asyncio.Queue[Browser], chance: random.Random) -> tuple[float, list[float]]:
    """How many a second were shown, and how long each took."""
    shown_ms: list[float] = []

    async def pay(due: float) -> None:
        connection, payer = await free.get()
        await payers.pay_one(connection, payer)
        shown_ms.append((time.perf_counter() - due) * 1000)
        free.put_nowait((connection, payer))

    begun = due = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(PAYMENTS):
            due += chance.expovariate(PER_SECOND)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(pay(due))
    return PAYMENTS / (time.perf_counter() - begun), shown_ms
