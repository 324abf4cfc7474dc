"""32 clients pay without a pause, and meanwhile happens what happens every few seconds or once a minute: transfers are
sealed, the latest orders are looked at, tables are vacuumed. The first minute has the least of it.
"""

import time
from collections.abc import Sequence

from benchmarks import shop
from benchmarks.payments import CLIENTS, CUSTOMERS, Payers, Round
from benchmarks.report import Table, across, quantile
from benchmarks.system import Purser

MINUTES = 5
# As many as are paid for in some five seconds, so that no minute is much longer than another.
PAYMENTS = 1_600
# For 1,000 payments a second, and for warming up.
ORDERS = MINUTES * 60 * 1_000 + 2 * PAYMENTS


async def run(purser: Purser) -> list[Table]:
    await shop.open_shop(purser, CUSTOMERS, ORDERS)
    payers = Payers(purser)
    await payers.pay(PAYMENTS, range(1, CUSTOMERS))
    return [_table(minute, await _pay_for_a_minute(payers)) for minute in range(1, MINUTES + 1)]


async def _pay_for_a_minute(payers: Payers) -> list[Round]:
    rounds, end = list[Round](), time.monotonic() + 60
    while time.monotonic() < end:
        rounds.append(await payers.pay(PAYMENTS, range(1, CUSTOMERS)))
    return rounds


def _table(minute: int, rounds: Sequence[Round]) -> Table:
    parts = ("gateway", "orders-api", "billing-api", "postgres")
    return Table(
        f"Minute {minute}, {CLIENTS} clients: {len(rounds)} rounds of {PAYMENTS:,} payments",
        {
            "CPU ms a payment, all": across([each.cpu_ms_of_all for each in rounds]),
            **{part: across([each.cpu_ms[part] for each in rounds]) for part in parts},
            "payments shown Paid a second": across([each.per_second for each in rounds], 0),
            "click to Paid, p99 ms": across([quantile(each.shown_ms, 0.99) for each in rounds], 0),
        },
    )
