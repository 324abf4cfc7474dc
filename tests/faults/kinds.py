"""The kinds of faults.

A new one is a class with a `name`, the processes it `hits`, and `strike`, which returns the time at which it was over;
and a line in `plan.py`.
"""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from tests.faults.system import PrivatePurser
from tests.faults.wires import PROCESSES
from tests.link import Link

# How long a fault waits for a process to work again, before it hits it all the same: for longer than the keeper leaves
# one alone that dies as soon as it is started, or it would die so for ever.
PATIENCE_SECONDS = 45.0


class Fault(Protocol):
    """Something that breaks."""

    name: ClassVar[str]

    @property
    def hits(self) -> tuple[str, ...]:
        """Who has to recover; () for everybody."""
        ...

    async def strike(self, purser: PrivatePurser) -> float: ...


@dataclass(frozen=True)
class Kill:
    """kill -9 of a process that works, or of one that may just be starting."""

    name: ClassVar[str] = "kill"
    process: str
    starting: bool = False

    @property
    def hits(self) -> tuple[str, ...]:
        return (self.process,)

    async def strike(self, purser: PrivatePurser) -> float:
        if not self.starting:
            await purser.ready_again((self.process,), PATIENCE_SECONDS)
        await purser.send(self.process, signal.SIGKILL)
        return time.monotonic()


@dataclass(frozen=True)
class Freeze:
    """SIGSTOP of a process or a server, SIGCONT after so long."""

    name: ClassVar[str] = "freeze"
    process: str
    seconds: float

    @property
    def hits(self) -> tuple[str, ...]:
        return (self.process,) if self.process in PROCESSES else ()

    async def strike(self, purser: PrivatePurser) -> float:
        await purser.freeze(self.process, self.seconds)
        return time.monotonic()


@dataclass(frozen=True)
class FreezeBroker(Freeze):
    """For longer than its heartbeat: connections are dead when it is back."""

    name: ClassVar[str] = "broker freeze"


@dataclass(frozen=True)
class FreezeDatabase(Freeze):
    """The server with every connection."""

    name: ClassVar[str] = "database freeze"


@dataclass(frozen=True)
class EndServer:
    """A server ends by this signal; it is started again."""

    name: ClassVar[str]
    server: ClassVar[str]
    number: ClassVar[signal.Signals]

    @property
    def hits(self) -> tuple[str, ...]:
        return ()

    async def strike(self, purser: PrivatePurser) -> float:
        begun = time.monotonic()
        await purser.restart(self.server, self.number)
        return begun


@dataclass(frozen=True)
class KillBroker(EndServer):
    name: ClassVar[str] = "broker kill"
    server: ClassVar[str] = "rabbitmq"
    number: ClassVar[signal.Signals] = signal.SIGKILL


@dataclass(frozen=True)
class RestartBroker(EndServer):
    name: ClassVar[str] = "broker restart"
    server: ClassVar[str] = "rabbitmq"
    number: ClassVar[signal.Signals] = signal.SIGTERM


@dataclass(frozen=True)
class KillDatabase(EndServer):
    name: ClassVar[str] = "database kill"
    server: ClassVar[str] = "postgres"
    number: ClassVar[signal.Signals] = signal.SIGKILL


@dataclass(frozen=True)
class RestartDatabase(EndServer):
    """Immediately: without a checkpoint, so that it recovers from its log."""

    name: ClassVar[str] = "database restart"
    server: ClassVar[str] = "postgres"
    number: ClassVar[signal.Signals] = signal.SIGQUIT


@dataclass(frozen=True)
class CutConnections:
    """pg_terminate_backend of everybody."""

    name: ClassVar[str] = "connections terminated"

    @property
    def hits(self) -> tuple[str, ...]:
        return ()

    async def strike(self, purser: PrivatePurser) -> float:
        await purser.terminate_connections()
        return time.monotonic()


@dataclass(frozen=True)
class BrokenWire:
    """One wire is not what it should be for so long."""

    name: ClassVar[str]
    process: str
    target: str
    seconds: float

    @property
    def hits(self) -> tuple[str, ...]:
        return (self.process,)

    def broken(self, link: Link) -> AbstractContextManager[None]:
        raise NotImplementedError

    async def strike(self, purser: PrivatePurser) -> float:
        with self.broken(purser.wires.links[self.process, self.target]):
            await asyncio.sleep(self.seconds)
        return time.monotonic()


class CutWire(BrokenWire):
    """Reset, and refused until it is whole."""

    name: ClassVar[str] = "wire cut"

    def broken(self, link: Link) -> AbstractContextManager[None]:
        return link.cut()


class TornWire(BrokenWire):
    """Reset in the middle of what is said."""

    name: ClassVar[str] = "wire torn"

    @contextmanager
    def broken(self, link: Link) -> Iterator[None]:
        link.cut_after(1_777)
        yield


class SilentWire(BrokenWire):
    """Half open: neither side hears of the other, nor of its end."""

    name: ClassVar[str] = "wire silent"

    def broken(self, link: Link) -> AbstractContextManager[None]:
        return link.silent()


class SlowWire(BrokenWire):
    name: ClassVar[str] = "wire slow"

    def broken(self, link: Link) -> AbstractContextManager[None]:
        return link.slow(latency_seconds=0.1, bytes_per_second=20_000)
