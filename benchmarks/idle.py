"""Nobody asks for anything: what the whole system uses meanwhile, and how much memory it keeps.

Beside it what waking up is charged with on this machine: where others use its caches, all that a process touches after
a rest comes from memory.
"""

import asyncio
import sys

from benchmarks.report import Table, across
from benchmarks.system import Purser

SECONDS = 20
ROUNDS = 3
# As the services wake, and nothing else.
BARE = """
import asyncio, time

async def main(times):
    await asyncio.sleep(1)
    before = time.process_time()
    for _ in range(times):
        await asyncio.sleep(0.5)
    print((time.process_time() - before) * 1000 / times)

asyncio.run(main(30))
"""


async def run(purser: Purser) -> list[Table]:
    await asyncio.sleep(SECONDS)
    rounds: list[dict[str, float]] = []
    wakings: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        before, woken = purser.cpu_seconds(), purser.wakings()
        _, bare_ms = await asyncio.gather(asyncio.sleep(SECONDS), _bare_waking_ms())
        after = purser.cpu_seconds()
        rounds.append({part: 100 * (after[part] - before[part]) / SECONDS for part in before if part != "load"})
        wakings.append((purser.wakings() - woken) / SECONDS)
        bare.append(bare_ms)
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
            "What waking up comes to",
            {
                "times a second, all": across(wakings, 0),
                "CPU ms of a bare Python process each time, twice a second": across(bare),
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


async def _bare_waking_ms() -> float:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", BARE, stdout=asyncio.subprocess.PIPE)
    return float((await process.communicate())[0])
