"""Programs that are forked from one process, which has imported what all of them need: see `fork_server.py`."""

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress

import psutil

from .home import ROOT, Home
from .processes import kill
from .programs import Program, common_environment


class Forked:
    """A program that runs, to be used as an `asyncio.subprocess.Process`."""

    def __init__(self, pid: int, said: asyncio.StreamReader, life: asyncio.StreamWriter):
        self.pid = pid
        self.returncode: int | None = None
        self._said = said
        self._life = life

    async def wait(self) -> int:
        """Its exit code, or a signal's number below zero. Where the fork server was killed, nobody could tell when this
        program ends: it is killed too."""
        if self.returncode is None:
            code = await self._said.readline()
            if not code:
                with suppress(psutil.NoSuchProcess):
                    await asyncio.to_thread(kill, [psutil.Process(self.pid)])
            self.returncode = int(code or -signal.SIGKILL)
            self._life.close()
        return self.returncode

    def terminate(self) -> None:
        """Ask it to stop."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class ForkServer:
    """Forks programs; started when it is first needed, and again when it has died."""

    def __init__(self, home: Home):
        self._home = home
        self._process: asyncio.subprocess.Process | None = None
        self._orders: socket.socket | None = None
        self._starting = asyncio.Lock()

    async def fork(self, program: Program) -> Forked:
        """Start this program. ConnectionError where the fork server dies meanwhile."""
        orders = await self._started()
        with ExitStack() as undone:
            life, theirs = socket.socketpair()
            undone.callback(life.close)
            with theirs, self._home.log(program.name).open("ab") as log:
                told = {"name": program.name, "module": program.module, "environment": dict(program.environment)}
                door = [] if program.door is None else [program.door]
                socket.send_fds(orders, [json.dumps(told).encode()], [theirs.fileno(), log.fileno(), *door])
            said, writer = await asyncio.open_unix_connection(sock=life)
            undone.callback(writer.close)
            if not (pid := await said.readline()):
                raise ConnectionError("the fork server died")
            undone.pop_all()
        return Forked(int(pid), said, writer)

    @property
    def pid(self) -> int | None:
        """Its process id, once it was needed."""
        return self._process.pid if self._process else None

    async def stop(self) -> None:
        """End the fork server."""
        if self._process is not None and self._orders is not None:
            self._orders.close()
            await self._process.wait()

    async def _started(self) -> socket.socket:
        async with self._starting:
            if self._orders is None or self._process is None or self._process.returncode is not None:
                orders, theirs = socket.socketpair()
                with theirs, self._home.log("fork-server").open("ab") as log:
                    self._process = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "deploy.local.fork_server"),
                        cwd=ROOT,
                        env=common_environment(self._home),
                        stdin=theirs.fileno(),
                        stdout=log,
                        stderr=log,
                    )
                if self._orders is not None:
                    self._orders.close()
                self._orders = orders
            return self._orders
