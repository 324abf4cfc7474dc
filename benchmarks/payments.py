"""A customer clicks Pay and sees the order Paid: through the gateway, billing, the broker, orders and the live stream.

32 clients at once, each of whom waits for that before the next; and one alone.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from benchmarks import baseline, browsers, shop
from benchmarks.browsers import Connection, Stream
from benchmarks.report import Table, across, quantile
from benchmarks.system import Purser

CLIENTS = 32
PAYMENTS = 1_600
PAYMENTS_ALONE = 250
ROUNDS = 5
# Two slices beside a round that differ by more say that the machine was not the same.
ALIKE = 1.5
CUSTOMERS = CLIENTS + 1
ORDERS = 90_000


@dataclass(frozen=True)
class Round:
    """What so many payments came to."""

    per_second: float
    answered_ms: Sequence[float]
    shown_ms: Sequence[float]
    cpu_ms: dict[str, float]
    statements: float
    wal_bytes: float

    @property
    def cpu_ms_of_all(self) -> float:
        return sum(self.cpu_ms.values())


class Payers:
    """Customers, each with a browser of their own: customer n pays for the orders of customer n."""

    def __init__(self, purser: Purser, customers: int = CUSTOMERS) -> None:
        self._purser, self._customers = purser, customers
        self._orders = {customer: count(customer, customers) for customer in range(1, customers + 1)}
        self._streams: dict[int, Stream] = {}

    async def pay(self, payments: int, payers: Sequence[int]) -> Round:
        """One client for each of `payers`, all at once; a customer may be named more than once."""
        connections = [await browsers.connect(self._purser.port) for _ in payers]
        for payer in payers:
            await self.listen(payer)
        left, answered, shown = iter(range(payments)), list[float](), list[float]()
        counted_before, cpu_before, begun = (
            await self._purser.counted(),
            self._purser.cpu_seconds(),
            time.perf_counter(),
        )

        async def work(connection: Connection, payer: int) -> None:
            for _ in left:
                answered_seconds, shown_seconds = await self.pay_one(connection, payer)
                answered.append(answered_seconds * 1000)
                shown.append(shown_seconds * 1000)

        async with asyncio.TaskGroup() as group:
            for connection, payer in zip(connections, payers, strict=True):
                group.create_task(work(connection, payer))
        seconds = time.perf_counter() - begun
        cpu_after, counted_after = self._purser.cpu_seconds(), await self._purser.counted()
        for connection in connections:
            connection.transport.close()
        statements, wal_bytes = (
            (after - before) / payments for before, after in zip(counted_before, counted_after, strict=True)
        )
        cpu_ms = {part: (used - cpu_before[part]) * 1000 / payments for part, used in cpu_after.items()}
        return Round(payments / seconds, answered, shown, cpu_ms, statements, wal_bytes)

    async def listen(self, payer: int) -> None:
        """This customer's browser listens, if it does not yet."""
        if payer not in self._streams:
            self._streams[payer] = await browsers.listen(self._purser.port, shop.token(payer))

    async def pay_one(self, connection: Connection, payer: int) -> tuple[float, float]:
        """Seconds until the answer, and until the order was shown as Paid."""
        number = shop.order_number(next(self._orders[payer]))
        shows_paid = self._streams[payer].shows(number, "paid")
        headers = {**browsers.signed_in(shop.token(payer)), "Idempotency-Key": str(uuid4())}
        body = json.dumps({"expected_remaining_minor": 2 * shop.PRICE_MINOR}).encode()
        begun = time.perf_counter()
        status, answer = await connection.ask("POST", f"/api/portal/orders/{number}/payments", headers, body)
        answered = time.perf_counter()
        assert status == 201, answer
        async with asyncio.timeout(browsers.PATIENCE_SECONDS):
            await shows_paid
        return answered - begun, time.perf_counter() - begun


async def run(purser: Purser) -> list[Table]:
    """Rounds of 32 clients and of one, between slices of pgbench."""
    await shop.open_shop(purser, CUSTOMERS, ORDERS)
    await baseline.prepare(purser)
    payers = Payers(purser)
    many, alone = range(1, CUSTOMERS), [CUSTOMERS]
    await payers.pay(PAYMENTS, many)
    await payers.pay(50, alone)
    rounds: list[tuple[Round, Round, float, float]] = []
    void = 0
    before = await baseline.measure(purser)
    for _ in range(2 * ROUNDS):
        measured = await payers.pay(PAYMENTS, many), await payers.pay(PAYMENTS_ALONE, alone)
        after = await baseline.measure(purser)
        if max(before.tps, after.tps) > ALIKE * min(before.tps, after.tps):
            void += 1
        else:
            commit_ms = statistics.mean([before.commit_ms, after.commit_ms])
            rounds.append((*measured, statistics.mean([before.tps, after.tps]), commit_ms))
        before = after
        if len(rounds) == ROUNDS:
            break
    return [_cpu(rounds, void), _rates(rounds)]


def _cpu(rounds: Sequence[tuple[Round, Round, float, float]], void: int) -> Table:
    busy = [each[0] for each in rounds]
    parts = sorted(busy[0].cpu_ms, key=lambda part: -statistics.median(round_.cpu_ms[part] for round_ in busy))
    return Table(
        f"CPU ms a payment, {CLIENTS} clients: {len(rounds)} rounds of {PAYMENTS:,} ({void} more thrown away)",
        {
            "all": across([round_.cpu_ms_of_all for round_ in busy]),
            **{part: across([round_.cpu_ms[part] for round_ in busy]) for part in parts},
        },
    )


def _rates(rounds: Sequence[tuple[Round, Round, float, float]]) -> Table:
    return Table(
        "Rates, latencies and counts",
        {
            f"payments shown Paid a second, {CLIENTS} clients": across([busy.per_second for busy, *_ in rounds], 0),
            "pgbench, 8 clients, transactions a second": across([tps for *_, tps, _ in rounds], 0),
            "share of pgbench": across([busy.per_second / tps for busy, _, tps, _ in rounds], 3),
            f"click to Paid, {CLIENTS} clients, p50 ms": across([quantile(busy.shown_ms, 0.5) for busy, *_ in rounds]),
            f"click to Paid, {CLIENTS} clients, p99 ms": across([quantile(busy.shown_ms, 0.99) for busy, *_ in rounds]),
            "click to Paid, one client, p50 ms": across([quantile(one.shown_ms, 0.5) for _, one, *_ in rounds]),
            "click to Paid, one client, p99 ms": across([quantile(one.shown_ms, 0.99) for _, one, *_ in rounds]),
            "click to answer, one client, p50 ms": across([quantile(one.answered_ms, 0.5) for _, one, *_ in rounds]),
            "pgbench, one client, p50 ms": across([commit_ms for *_, commit_ms in rounds]),
            "click to Paid, one client, as a multiple of it": across(
                [quantile(one.shown_ms, 0.5) / commit_ms for _, one, _, commit_ms in rounds], 1
            ),
            f"statements a payment, {CLIENTS} clients": across([busy.statements for busy, *_ in rounds], 2),
            f"WAL bytes a payment, {CLIENTS} clients": across([busy.wal_bytes for busy, *_ in rounds], 0),
        },
    )
