"""The broker was away, and 100,000 events of payments wait in billing's outbox.

What one of them costs the relay, beside one of 200 that wait; how fast billing-worker and orders-worker bring all of
them to their effect, beside how fast 32 clients pay; and how fast orders tells of it in turn.
"""

import asyncio
import time
from dataclasses import dataclass

from benchmarks import shop
from benchmarks.payments import CUSTOMERS, Payers
from benchmarks.report import Table, across
from benchmarks.system import Purser

PAYMENTS = 800
FEW, TIMES = 200, 20
LOOK_SECONDS = 0.05
MANY = 100_000
# The first orders are the payers', of whom some pay more than others.
FIRST = 4 * PAYMENTS + 1
ORDERS = FIRST + FEW * (TIMES + 1) + MANY

# At one moment: PostgreSQL has not looked at the table since it was almost empty.
WAIT = f"""
    INSERT INTO outbox (event_id, aggregate, subject, version, routing_key, at, body)
    SELECT gen_random_uuid(), 'invoice', number, 1, 'billing.order_paid.v1', now(), json_build_object(
        'version', 1, 'at', now(), 'order_number', number, 'customer_id', customer, 'transfer_id', gen_random_uuid(),
        'amount_minor', total, 'currency', 'USD', 'total_minor', total, 'paid_minor', total, 'remaining_minor', 0,
        'order_version', 1, 'first_paid_in_full_at', now())::text
    FROM (SELECT 'ORD-' || lpad(n::text, 10, '0') AS number, {2 * shop.PRICE_MINOR} AS total,
        {shop.CUSTOMER.format(n=f"1 + (n - 1) % {CUSTOMERS}")} AS customer
        FROM generate_series($1::bigint, $2::bigint) n) paid
"""
WAITS = "SELECT EXISTS (SELECT FROM outbox)"
UNPAID = "SELECT EXISTS (SELECT FROM orders WHERE number BETWEEN $1 AND $2 AND status <> 'paid')"
RELAYS_MS = """
    SELECT coalesce(sum(total_exec_time), 0) FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
    WHERE datname = 'billing' AND query ~ 'DELETE FROM outbox WHERE position'
"""


@dataclass(frozen=True)
class Drained:
    """What so many events that waited came to."""

    relay_ms: float
    relays_statements_ms: float
    relayed_per_second: float
    effective_per_second: float
    told_on_per_second: float


async def _drain(purser: Purser, first: int, events: int) -> Drained:
    last = first + events - 1
    async with (
        purser.database("billing") as billing,
        purser.database("orders") as orders,
        purser.database("postgres") as counting,
    ):
        cpu_before, ms_before = purser.cpu_seconds()["billing-worker"], await counting.fetchval(RELAYS_MS)
        await billing.execute(WAIT, first, last)
        begun = time.perf_counter()
        while await billing.fetchval(WAITS):
            await asyncio.sleep(LOOK_SECONDS)
        relayed = time.perf_counter()
        cpu_after, ms_after = purser.cpu_seconds()["billing-worker"], await counting.fetchval(RELAYS_MS)
        # To look for one among all would cost as much as what is measured; the last is among the last.
        for begin in (last, first):
            while await orders.fetchval(UNPAID, begin, last):
                await asyncio.sleep(LOOK_SECONDS)
        effective = time.perf_counter()
        while await orders.fetchval(WAITS):
            await asyncio.sleep(LOOK_SECONDS)
        told_on = time.perf_counter()
    return Drained(
        (cpu_after - cpu_before) * 1000 / events,
        (ms_after - ms_before) / events,
        events / (relayed - begun),
        events / (effective - begun),
        events / (told_on - begun),
    )


async def run(purser: Purser) -> list[Table]:
    await shop.open_shop(purser, CUSTOMERS, ORDERS)
    payers = Payers(purser)
    paid = [await payers.pay(PAYMENTS, range(1, CUSTOMERS)) for _ in range(3)][1:]
    few = [await _drain(purser, FIRST + turn * FEW, FEW) for turn in range(TIMES + 1)][1:]
    many = await _drain(purser, FIRST + FEW * (TIMES + 1), MANY)
    payments = across([each.per_second for each in paid], 0)
    return [
        Table(
            f"{MANY:,} events that wait, beside {TIMES} times {FEW}",
            {
                f"billing-worker, CPU ms an event of {FEW}": across([each.relay_ms for each in few], 3),
                f"billing-worker, CPU ms an event of {MANY:,}": across([many.relay_ms], 3),
                f"the relay's statements, ms an event of {FEW}": across([each.relays_statements_ms for each in few], 3),
                f"the relay's statements, ms an event of {MANY:,}": across([many.relays_statements_ms], 3),
                "relayed a second": across([many.relayed_per_second], 0),
                "taken effect in orders a second": across([many.effective_per_second], 0),
                "payments shown Paid a second, 32 clients": payments,
                "taken effect, as a multiple of that": across([many.effective_per_second / payments.median], 1),
                "told on by orders a second": across([many.told_on_per_second], 0),
                "told on, as a multiple": across([many.told_on_per_second / payments.median], 1),
            },
        )
    ]
