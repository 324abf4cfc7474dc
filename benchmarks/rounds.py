"""A round: clients who do the same again and again, each as soon as it is done, and what that came to."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.report import quantile
from benchmarks.system import Purser

Client = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Round:
    """What so many times came to."""

    per_second: float
    took_ms: Sequence[float]
    cpu_ms: dict[str, float]
    wal_bytes: float

    @property
    def cpu_ms_of_all(self) -> float:
        return sum(self.cpu_ms.values())

    def took(self, share: float) -> float:
        """Of so many, nobody waited longer."""
        return quantile(self.took_ms, share)


async def drive(purser: Purser, times: int, clients: Sequence[Client]) -> Round:
    """All clients at once, so many times together."""
    left, took_ms = iter(range(times)), list[float]()

    async def work(client: Client) -> None:
        for _ in left:
            begun = time.perf_counter()
            await client()
            took_ms.append((time.perf_counter() - begun) * 1000)

    _, wal_before = await purser.counted()
    before, begun = purser.cpu_seconds(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(work(client))
    seconds, after = time.perf_counter() - begun, purser.cpu_seconds()
    _, wal_after = await purser.counted()
    cpu_ms = {part: (after[part] - before[part]) * 1000 / times for part in after}
    return Round(times / seconds, took_ms, cpu_ms, (wal_after - wal_before) / times)
