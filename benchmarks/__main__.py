"""`python -m benchmarks [NAME ...]`: measure, print, and write RESULTS.md."""

import argparse
from collections.abc import Awaitable, Callable

import uvloop

from benchmarks import (
    backlog,
    growth,
    idle,
    importing,
    memory,
    one_balance,
    open_loop,
    order_page,
    payments,
    report,
    restart,
    search,
    steady,
    streams,
    tickets,
)
from benchmarks.report import Table
from benchmarks.system import Purser, private_purser

BENCHMARKS: dict[str, tuple[str | None, Callable[[Purser], Awaitable[list[Table]]]]] = {
    "backlog": (backlog.__doc__, backlog.run),
    "growth": (growth.__doc__, growth.run),
    "idle": (idle.__doc__, idle.run),
    "importing": (importing.__doc__, importing.run),
    "memory": (memory.__doc__, memory.run),
    "one_balance": (one_balance.__doc__, one_balance.run),
    "open_loop": (open_loop.__doc__, open_loop.run),
    "order_page": (order_page.__doc__, order_page.run),
    "payments": (payments.__doc__, payments.run),
    "restart": (restart.__doc__, restart.run),
    "search": (search.__doc__, search.run),
    "steady": (steady.__doc__, steady.run),
    "streams": (streams.__doc__, streams.run),
    "tickets": (tickets.__doc__, tickets.run),
}


async def measure(name: str) -> None:
    what, run = BENCHMARKS[name]
    async with private_purser(name) as purser:
        tables = await run(purser)
    text = report.section(name, what or "", tables)
    print(text)
    report.write(name, text)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}; all by default")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    for name in names:
        uvloop.run(measure(name))


if __name__ == "__main__":
    main()
