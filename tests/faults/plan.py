"""What is broken, and when: drawn from the seed before the run begins, so that a seed is a plan."""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.kinds import (
    CutConnections,
    Fault,
    Freeze,
    FreezeBroker,
    FreezeDatabase,
    Kill,
    KillBroker,
    KillDatabase,
    RestartBroker,
    RestartDatabase,
)
from tests.faults.system import PROCESSES, PrivatePurser

# Workers relay and consume: most of what can go wrong does so there.
_TARGETS = tuple(name for name in PROCESSES for _ in range(2 if name.endswith("worker") else 1))
KILL_EVERY_SECONDS = 2.0
FREEZE_EVERY_SECONDS = 8.0
SERVER_EVERY_SECONDS = 12.0


@dataclass(frozen=True)
class Strike:
    """One fault at its time, in seconds from the beginning."""

    at: float
    fault: Fault


def draw(seed: int, seconds: float) -> list[Strike]:
    """The plan of a run. Each kind of fault comes at least once in 80 seconds."""
    chance = random.Random(f"{seed} plan")
    return sorted(_draw(chance, seconds), key=lambda strike: strike.at)


def _draw(chance: random.Random, seconds: float) -> Iterator[Strike]:
    for at in _times(chance, KILL_EVERY_SECONDS, seconds):
        yield Strike(at, Kill(chance.choice(_TARGETS)))
    for at in _times(chance, FREEZE_EVERY_SECONDS, seconds):
        # Once in a while longer than a transaction may idle, and a gateway waits.
        yield Strike(at, Freeze(chance.choice(_TARGETS), chance.choice((0.3, 1.0, 2.0, 4.0, 7.0))))
    deck: list[Fault] = []
    for at in _times(chance, SERVER_EVERY_SECONDS, seconds):
        if not deck:
            deck = [
                KillBroker(),
                FreezeBroker("rabbitmq", 25.0),
                RestartBroker(),
                KillDatabase(),
                RestartDatabase(),
                FreezeDatabase("postgres", chance.choice((1.0, 3.0, 7.0))),
                CutConnections(),
            ]
            chance.shuffle(deck)
        yield Strike(at, deck.pop())


def _times(chance: random.Random, every: float, seconds: float) -> Iterator[float]:
    """About so often, never regularly."""
    at = every * chance.uniform(0.2, 1.0)
    while at < seconds:
        yield at
        at += every * chance.uniform(0.3, 1.7)


@dataclass(frozen=True)
class Struck:
    """A fault that has happened, and how long after it everybody hit was ready again."""

    at: float
    fault: Fault
    recovery_seconds: float


class Breaker:
    """Carries a plan out."""

    def __init__(self, purser: PrivatePurser, plan: list[Strike]) -> None:
        self.purser, self.plan = purser, plan
        self.begun: list[Strike] = []
        self.struck: list[Struck] = []

    async def run(self, seconds: float) -> None:
        """Every strike at its time; return after so long, and when all faults are over and recovered from."""
        async with asyncio.TaskGroup() as group:
            begun = time.monotonic()
            for strike in self.plan:
                await asyncio.sleep(max(0.0, begun + strike.at - time.monotonic()))
                self.begun.append(strike)
                group.create_task(self._strike(strike))
            await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))

    async def _strike(self, strike: Strike) -> None:
        begun = time.monotonic()
        await strike.fault.strike(self.purser)
        over = begun if strike.fault.is_a_blow else time.monotonic()
        await self.purser.ready_again(strike.fault.hits or PROCESSES)
        self.struck.append(Struck(strike.at, strike.fault, time.monotonic() - over))
