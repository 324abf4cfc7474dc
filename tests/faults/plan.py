"""What is broken, and when: drawn from the seed before the run begins, so that a seed is a plan."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.faults.history import History
from tests.faults.kinds import (
    CutConnections,
    CutWire,
    Fault,
    Freeze,
    FreezeBroker,
    FreezeDatabase,
    Kill,
    KillBroker,
    KillDatabase,
    RestartBroker,
    RestartDatabase,
    SilentWire,
    SlowWire,
    TornWire,
)
from tests.faults.points import POINTS, Failpoint
from tests.faults.repeating import Repeat
from tests.faults.system import PrivatePurser
from tests.faults.wires import PROCESSES, WIRES

T = TypeVar("T")

# Workers relay and consume: most of what can go wrong does so there.
_TARGETS = tuple(name for name in PROCESSES for _ in range(2 if name.endswith("worker") else 1))
KILL_EVERY_SECONDS = 6.0
FAILPOINT_EVERY_SECONDS = 1.75
FREEZE_EVERY_SECONDS = 8.0
SERVER_EVERY_SECONDS = 12.0
WIRE_EVERY_SECONDS = 7.0
REPEAT_EVERY_SECONDS = 30.0
# Where more is broken than the machine can start again, the plan waits a little: else nothing would be left to break.
AT_ONCE = 3
WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Strike:
    """One fault at its time, in seconds from the beginning."""

    at: float
    fault: Fault


def draw(seed: int, seconds: float, only: str = "") -> list[Strike]:
    """The plan of a run. Each kind of fault comes at least once in two minutes; with `only`, those whose name contains
    it."""
    drawn = (strike for strike in _draw(seed, seconds) if only in strike.fault.name)
    return sorted(drawn, key=lambda strike: strike.at)


def _draw(seed: int, seconds: float) -> Iterator[Strike]:
    """Each part has dice of its own: a new failpoint is not to change when the broker dies."""
    chance = random.Random(f"{seed} kills")
    for at in _times(chance, KILL_EVERY_SECONDS, seconds):
        yield Strike(at, Kill(chance.choice(_TARGETS), starting=chance.random() < 0.1))
    chance = random.Random(f"{seed} freezes")
    for at in _times(chance, FREEZE_EVERY_SECONDS, seconds):
        # Once in a while longer than a transaction may idle, and a gateway waits.
        yield Strike(at, Freeze(chance.choice(_TARGETS), chance.choice((0.3, 1.0, 2.0, 4.0, 7.0))))
    chance = random.Random(f"{seed} failpoints")
    for at, point in zip(_times(chance, FAILPOINT_EVERY_SECONDS, seconds), _shuffled(chance, POINTS), strict=False):
        yield Strike(at, point)
    chance = random.Random(f"{seed} wires")
    broken = _shuffled(chance, (CutWire, TornWire, SilentWire, SlowWire))
    for at, kind in zip(_times(chance, WIRE_EVERY_SECONDS, seconds), broken, strict=False):
        yield Strike(at, kind(*chance.choice(WIRES), seconds=chance.choice((0.5, 1.0, 3.0))))
    chance = random.Random(f"{seed} repetitions")
    for at in _times(chance, REPEAT_EVERY_SECONDS, seconds):
        yield Strike(at, Repeat(chance.randrange(10_000), seconds=5.0))
    chance = random.Random(f"{seed} servers")
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


def _shuffled(chance: random.Random, all_: Sequence[T]) -> Iterator[T]:
    """All of them in any order, and again, for ever."""
    while True:
        yield from chance.sample(all_, len(all_))


def _times(chance: random.Random, every: float, seconds: float) -> Iterator[float]:
    """About so often, never regularly."""
    at = every * chance.uniform(0.2, 1.0)
    while at < seconds:
        yield at
        at += every * chance.uniform(0.3, 1.7)


@dataclass(frozen=True)
class Struck:
    """A fault that has happened, and how long after it everybody hit was ready again."""

    fault: Fault
    recovery_seconds: float


class Breaker:
    """Carries a plan out, as fast as the machine lets what was broken recover."""

    def __init__(self, purser: PrivatePurser, plan: list[Strike], history: History) -> None:
        self.purser, self.plan, self.history = purser, plan, history
        self.begun: list[Fault] = []
        self.struck: list[Struck] = []
        self._lanes: defaultdict[object, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    async def run(self, seconds: float) -> None:
        """Every strike at its time; return after so long, and when all faults are over and recovered from."""
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for strike in self.plan:
                await asyncio.sleep(max(0.0, end - seconds + strike.at - time.monotonic()))
                group.create_task(self._strike(strike.fault, end))
            await asyncio.sleep(max(0.0, end - time.monotonic()))

    async def _strike(self, fault: Fault, end: float) -> None:
        # A failpoint waits until the process comes there, and holds up no other kind meanwhile.
        async with self._lanes[isinstance(fault, Failpoint), bool(fault.hits)]:
            if time.monotonic() > end:
                return
            self.begun.append(fault)
            self.history.note("fault", **_described(fault))
            over_at = await fault.strike(self.purser)
            recovered = asyncio.create_task(self.purser.ready_again(fault.hits or PROCESSES))
            await asyncio.wait({recovered}, timeout=WAIT_SECONDS)
        await recovered
        struck = Struck(fault, time.monotonic() - over_at)
        self.struck.append(struck)
        self.history.note("recovered", **_described(fault), recovery_seconds=round(struck.recovery_seconds, 1))


def _described(fault: Fault) -> dict[str, Any]:
    return {"fault": fault.name, **vars(fault)}
