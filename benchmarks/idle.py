"""Nobody asks for anything: what the whole system uses meanwhile, and how much memory it keeps."""

import asyncio

from benchmarks.report import Table, across
from benchmarks.system import Purser

SECONDS = 20
ROUNDS = 3


async def run(purser: Purser) -> list[Table]:
    await asyncio.sleep(SECONDS)
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        before = purser.cpu_seconds()
        await asyncio.sleep(SECONDS)
        after = purser.cpu_seconds()
        rounds.append({part: 100 * (after[part] - before[part]) / SECONDS for part in before if part != "load"})
    memory = purser.memory_bytes()
    return [
        Table(
            f"% of one core, {ROUNDS} times {SECONDS} s",
            {
                "all": across([sum(each.values()) for each in rounds], 1),
                **{part: across([each[part] for each in rounds], 1) for part in rounds[0]},
            },
        ),
        Table(
            "MiB of memory, shared pages by their share",
            {
                "all but the servers": across(
                    [sum(size for part, size in memory.items() if part not in ("postgres", "rabbitmq")) / 2**20], 0
                ),
                **{part: across([size / 2**20], 0) for part, size in memory.items()},
            },
        ),
    ]
