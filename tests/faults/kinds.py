"""The kinds of faults.

A new one is a class with a `name`, the processes it `hits`, and `strike`, which returns when the fault is over; and a
line in `plan.py`.
"""

import signal
from dataclasses import dataclass
from typing import ClassVar, Protocol

from tests.faults.system import PROCESSES, PrivatePurser


class Fault(Protocol):
    """Something that breaks."""

    name: ClassVar[str]

    @property
    def hits(self) -> tuple[str, ...]:
        """Who has to recover; () for everybody."""
        ...

    @property
    def is_a_blow(self) -> bool:
        """Over at once: what follows is recovery."""
        ...

    async def strike(self, purser: PrivatePurser) -> None: ...


@dataclass(frozen=True)
class Kill:
    """kill -9 of a process."""

    name: ClassVar[str] = "kill"
    is_a_blow: ClassVar[bool] = True
    process: str

    @property
    def hits(self) -> tuple[str, ...]:
        return (self.process,)

    async def strike(self, purser: PrivatePurser) -> None:
        await purser.send(self.process, signal.SIGKILL)


@dataclass(frozen=True)
class Freeze:
    """SIGSTOP of a process or a server, SIGCONT after so long."""

    name: ClassVar[str] = "freeze"
    is_a_blow: ClassVar[bool] = False
    process: str
    seconds: float

    @property
    def hits(self) -> tuple[str, ...]:
        return (self.process,) if self.process in PROCESSES else ()

    async def strike(self, purser: PrivatePurser) -> None:
        await purser.freeze(self.process, self.seconds)


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
    is_a_blow: ClassVar[bool] = True
    server: ClassVar[str]
    number: ClassVar[signal.Signals]

    @property
    def hits(self) -> tuple[str, ...]:
        return ()

    async def strike(self, purser: PrivatePurser) -> None:
        await purser.end_server(self.server, self.number)


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
    is_a_blow: ClassVar[bool] = True

    @property
    def hits(self) -> tuple[str, ...]:
        return ()

    async def strike(self, purser: PrivatePurser) -> None:
        await purser.terminate_connections()
