"""The background process that is the system: starts everything in order, keeps it running, stops it when told to."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from deploy.postgres.provision import provision
from deploy.rabbitmq.definitions import render
from deploy.settings import UpSettings
from shared.failure import kind_of, traceback_of
from shared.settings import load

from . import ports
from .home import HOME, ROOT, Failure, Home, State, Step
from .keeper import Failed, Keeper
from .postgres import Postgres, PostgresFailed
from .processes import end, started_for
from .programs import LASTING, SERVER_PORTS, Program, Programs, replicas_of
from .rabbitmq import RabbitMQ, RabbitMQFailed
from .rabbitmq_binaries import RabbitMQMissing, installed, unpack
from .rabbitmq_docker import RabbitMQContainer, has_image
from .secrets import Secrets, write_private


class System:
    """Everything of one home, from nothing to serving."""

    postgres: Postgres
    broker: RabbitMQ

    def __init__(self, home: Home, keeper: Keeper, secrets: Secrets, wanted_port: int, replicas: int = 1):
        self._home = home
        self._keeper = keeper
        self._state = keeper.state
        self.secrets = secrets
        self.ports = self._choose_ports(wanted_port, replicas)
        # Held here, so that one gateway can take over from another.
        self._door = socket.create_server(("127.0.0.1", self.ports["gateway"]), backlog=2_048)
        keeper.held.callback(self._door.close)
        # Every connection inherits it; asyncio sets it only where it has made the socket.
        self._door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.programs = Programs(self.ports, secrets, home, replicas)
        self._state.url = self.programs.url("gateway")
        self._state.broker_url = self.programs.broker_url("integrator")

    async def start(self) -> None:
        """Start everything, whatever can at the same time; return when all of it serves."""
        async with asyncio.TaskGroup() as group:
            broker = group.create_task(self._broker())
            await self._databases()
            ready = [group.create_task(self._keeper.keep(program)) for program in self.programs.apis()]
            logins = group.create_task(self._run("logins", [self.programs.logins()]))
            await broker
            rest = [*self.programs.workers(), *self._gateways()]
            async with self._step(f"services ({len(ready) + len(rest)} processes)"):
                await asyncio.gather(*ready, *(self._keeper.keep(program) for program in rest))
            await logins

    async def demonstrate(self) -> None:
        """Fill an empty shop."""
        await self._run("demonstration shop", [self.programs.demonstration()])

    async def renew(self) -> None:
        """Let everything run with the secrets that the file holds now; where that cannot be, everything is as before.

        New processes are started beside those that run, which can work with what they were told until they have ended.
        """
        former = self.secrets, self.ports, self.programs
        self.secrets, self.ports = Secrets.load(self._home.secrets), dict(self.ports)
        for name in self.ports.keys() - {*SERVER_PORTS, "gateway"}:
            self.ports[name] = ports.free_port(self.ports.values())
        self.programs = self.programs.told(self.ports, self.secrets)
        try:
            await provision(self.postgres.admin_url, former[0].databases | self.secrets.databases)
            await asyncio.to_thread(self.broker.import_definitions, self._definitions())
            await self._keeper.succeed([*self._gateways(), *self.programs.apis(), *self.programs.workers()])
        except BaseException:
            self.secrets, self.ports, self.programs = former
            write_private(self._home.secrets, self.secrets.model_dump_json(indent=2))
            await asyncio.to_thread(self.broker.import_definitions, self._definitions())
            raise
        await provision(self.postgres.admin_url, self.secrets.databases)
        write_private(self._home.ports, json.dumps(self.ports, indent=1))
        self._state.broker_url = self.programs.broker_url("integrator")

    def _gateways(self) -> list[Program]:
        """The first answers at the door, and at a port of its own, where it can be asked how it is."""
        first, *others = self.programs.gateways()
        port, door = ports.free_port(self.ports.values()), self._door.fileno()
        return [
            replace(first, port=port, door=door, environment={**first.environment, "PURSER_PORT": str(port)}),
            *others,
        ]

    def _definitions(self) -> dict[str, Any]:
        bare = json.loads((ROOT / "deploy/rabbitmq/definitions.json").read_text())
        return render(bare, self.secrets.broker, "purser")

    def _choose_ports(self, wanted: int, replicas: int) -> dict[str, int]:
        remembered = json.loads(self._home.ports.read_text()) if self._home.ports.exists() else {}
        names = [name for program in LASTING for name in replicas_of(program, replicas) if name != "gateway"]
        chosen = ports.assign((*SERVER_PORTS, *names), remembered)
        chosen["gateway"] = ports.first_free(wanted)
        if chosen["gateway"] != wanted:
            self._state.notes.append(f"Port {wanted} is in use; taking {chosen['gateway']}.")
        write_private(self._home.ports, json.dumps(chosen, indent=1))
        return chosen

    async def _databases(self) -> None:
        async with self._step("PostgreSQL"):
            folder, log = self._home.data / "postgres", self._home.log("postgres")
            self.postgres = Postgres(folder, self.ports["postgres"], self.secrets.database_admin, log=log)
            try:
                await self._keeper.keep_server("postgres", self.postgres, self.postgres.start)
            except PostgresFailed as error:
                raise Failed("postgres", f"PostgreSQL did not start: {error}") from error
            await provision(self.postgres.admin_url, self.secrets.databases)
        await self._run("migrations", self.programs.migrations())

    async def _broker(self) -> None:
        node = self.broker = await self._broker_node()
        async with self._step("RabbitMQ"):
            try:
                await self._keeper.keep_server("rabbitmq", node, lambda: node.start(self._definitions()))
            except RabbitMQFailed as error:
                raise Failed("rabbitmq", f"RabbitMQ did not start: {error}") from error

    async def _broker_node(self) -> RabbitMQ:
        """The system's RabbitMQ, else one unpacked here, else a container."""
        folder, log = self._home.data / "rabbitmq", self._home.log("rabbitmq")
        unpacked = HOME.folder / "rabbitmq"
        port = self.ports["rabbitmq"]
        others = {
            "distribution_port": self.ports["rabbitmq-distribution"],
            "epmd_port": self.ports["rabbitmq-epmd"],
        }
        if found := installed(unpacked):
            return RabbitMQ(folder, port, found, log=log, **others)
        async with self._step("RabbitMQ's packages or image, for want of the system's"):
            try:
                found = await asyncio.to_thread(unpack, unpacked, HOME.folder / "apt")
                return RabbitMQ(folder, port, found, log=log, **others)
            except RabbitMQMissing as error:
                if await asyncio.to_thread(has_image):
                    return RabbitMQContainer(folder, port, log=log)
                raise Failed(None, str(error)) from error

    async def _run(self, name: str, programs: Iterable[Program]) -> None:
        async with self._step(name), asyncio.TaskGroup() as group:
            for program in programs:
                group.create_task(self._keeper.run(program))

    def _step(self, name: str) -> AbstractAsyncContextManager[Step]:
        return self._keeper.step(name)


async def supervise(home: Home) -> State:
    """Be the system until a signal says to stop, or its start fails."""
    state = State.new()
    keeper = Keeper(home, state)
    keeper.write()
    told, renew = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew.set)
    await asyncio.to_thread(_clear_away, state, home)
    upkeep = asyncio.create_task(keeper.rotate_logs())
    start = asyncio.create_task(_begin(home, keeper))
    stop = asyncio.create_task(told.wait())
    await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
    if start.done() and (error := start.exception()):
        state.failure = _failure(error)
    elif start.done():
        state.phase = "up"
        keeper.write()
        renewing = asyncio.create_task(_keep_renewing(start.result(), keeper, renew))
        await stop
        renewing.cancel()
    state.phase = "stopping"
    keeper.write()
    for task in (start, stop, upkeep):
        task.cancel()
    await keeper.stop()
    await asyncio.to_thread(end, started_for(home.folder))  # a download, say, that a thread still waits for
    return state


async def _begin(home: Home, keeper: Keeper) -> System:
    told = load(UpSettings, among_others=True)
    secrets = Secrets.load(home.secrets, told.demo_password, told.currency)
    system = System(home, keeper, secrets, told.port)
    await system.start()
    await system.demonstrate()
    return system


async def _keep_renewing(system: System, keeper: Keeper, renew: asyncio.Event) -> None:
    """Whenever somebody asks for it. For ever."""
    while True:
        await renew.wait()
        renew.clear()
        try:
            await system.renew()
            keeper.state.not_renewed = None
        except Exception as error:
            keeper.state.not_renewed = _failure(error)
        keeper.state.renewals += 1
        keeper.write()


def _clear_away(state: State, home: Home) -> None:
    """End what a killed supervisor has left running."""
    if leftovers := started_for(home.folder):
        state.notes.append(f"Ended {len(leftovers)} processes that were left from an earlier start.")
        end(leftovers)


def _failure(error: BaseException) -> Failure:
    """The first cause, however deep in groups of tasks it happened."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Failed):
        return Failure(process=error.process, sentence=str(error))
    print(traceback_of(error), file=sys.stderr)
    return Failure(process="supervisor", sentence=kind_of(error))


def main() -> None:
    """Supervise this checkout, unless somebody already does."""
    with HOME.supervised() as alone:
        if not alone:
            sys.exit("Another supervisor runs.")
        state = asyncio.run(supervise(HOME))
        end(started_for(HOME.folder))  # now that no thread is left that could have started one more
        state.phase = "failed" if state.failure else "down"
        state.write(HOME)


if __name__ == "__main__":
    main()
