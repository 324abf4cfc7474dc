"""All payments from one customer's balance, whose row each of them changes, beside as many from 32 customers'."""

from benchmarks import shop
from benchmarks.payments import CLIENTS, CUSTOMERS, ORDERS, Payers
from benchmarks.report import Table, across
from benchmarks.system import Purser

PAYMENTS = 400
ROUNDS = 3


async def run(purser: Purser) -> list[Table]:
    await shop.open_shop(purser, CUSTOMERS, ORDERS)
    payers = Payers(purser)
    many, one = range(1, CUSTOMERS), [CUSTOMERS] * CLIENTS
    for warming in (many, one):
        await payers.pay(300, warming)
    rounds = [(await payers.pay(PAYMENTS, many), await payers.pay(PAYMENTS, one)) for _ in range(ROUNDS)]
    return [
        Table(
            f"{CLIENTS} clients, {ROUNDS} rounds of {PAYMENTS} each",
            {
                "from 32 balances, payments shown Paid a second": across([each.per_second for each, _ in rounds], 0),
                "from one balance": across([each.per_second for _, each in rounds], 0),
                "share": across([each.per_second / beside.per_second for beside, each in rounds]),
            },
        )
    ]
