"""The wires between the processes and their servers, which the plan breaks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from deploy.local.programs import LASTING, Program, replicas_of
from tests.link import Link, linked

PROCESSES = LASTING
# Each is one wire of the process that is told the address.
ADDRESSES = {
    "PURSER_DATABASE_URL": "PostgreSQL",
    "PURSER_BROKER_URL": "RabbitMQ",
    "PURSER_ORDERS_URL": "orders",
    "PURSER_BILLING_URL": "billing",
    "PURSER_SUPPORT_URL": "support",
}
WIRES = tuple(
    (process, target)
    for process in PROCESSES
    for target in ADDRESSES.values()
    if process == "gateway" or target == "PostgreSQL" or (target == "RabbitMQ" and process.endswith("worker"))
)


@dataclass(frozen=True)
class Wires:
    """All of them, whole at first."""

    links: dict[tuple[str, str], Link]

    def rewire(self, program: Program) -> Program:
        """The program, told the near end of each of its wires."""
        environment = dict(program.environment)
        for name in ADDRESSES.keys() & environment.keys():
            urls = environment[name].split(",")
            ends = zip(replicas_of(ADDRESSES[name], len(urls)), urls, strict=True)
            environment[name] = ",".join(self._near_end((program.name, target), url) for target, url in ends)
        return replace(program, environment=environment)

    def _near_end(self, wire: tuple[str, str], url: str) -> str:
        """Of this wire, where there is one."""
        if (link := self.links.get(wire)) is None:
            return url
        told = urlsplit(url)
        link.port = told.port or 0
        near = told.netloc.replace(f":{link.port}", f":{link.local_port}")
        return urlunsplit(told._replace(netloc=near))

    def forget_the_dead(self) -> None:
        """Of each, what a server holds of a client who is gone without a word."""
        for link in self.links.values():
            link.forget_the_dead()


@asynccontextmanager
async def wires() -> AsyncIterator[Wires]:
    async with AsyncExitStack() as stack:
        yield Wires({wire: await stack.enter_async_context(linked("127.0.0.1", 0)) for wire in WIRES})
