"""What the services keep in memory once they are warm: a hundred browsers listen, customers pay and write to support,
and staff read order pages, again and again."""

from benchmarks import browsers, order_page, shop, tickets
from benchmarks.payments import Payers
from benchmarks.report import Table, across
from benchmarks.rounds import drive
from benchmarks.system import Purser

OF_CUSTOMERS = 80
OF_STAFF = 20
PAYMENTS = 2_000
MESSAGES = 1_000
ORDERS = 20_000
ROUNDS = 3


async def run(purser: Purser) -> list[Table]:
    """The memory after each round of all that: it must not grow from one to the next."""
    await shop.open_shop(purser, OF_CUSTOMERS, ORDERS)
    customers = range(1, OF_CUSTOMERS + 1)
    payers = Payers(purser, OF_CUSTOMERS)
    staff = [await browsers.listen(purser.port, shop.STAFF_TOKEN, "/api/admin") for _ in range(OF_STAFF)]
    writers = [await tickets.writer(purser, customer) for customer in customers]
    rounds: list[dict[str, int]] = []
    for _ in range(ROUNDS):
        await payers.pay(PAYMENTS, customers)
        await drive(purser, MESSAGES, writers)
        await order_page.read(purser, clients=8)
        rounds.append(purser.memory_bytes())
    for browser in staff:
        browser.close()
    services = [name for name in rounds[0] if name not in ("postgres", "rabbitmq")]
    sums = [sum(each[name] for name in services) for each in rounds]
    return [
        Table(
            f"MiB, shared pages by their share: after each of {ROUNDS} rounds of {PAYMENTS:,} payments,"
            f" {MESSAGES:,} messages and {order_page.PAGES:,} pages",
            {
                "all but the servers": across([each / 2**20 for each in sums], 0),
                "after the last round, by after the first": across([sums[-1] / sums[0]]),
                **{name: across([each[name] / 2**20 for each in rounds], 0) for name in rounds[0]},
            },
        )
    ]
