"""A private RabbitMQ node."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .ports import free_port
from .processes import MARK, end, kill, started_for
from .rabbitmq_binaries import Binaries

# Rather little, so that a full disk or memory elsewhere on a developer's machine does not block publishers.
LIMITS = "disk_free_limit.absolute = 50MB\nvm_memory_high_watermark.absolute = 512MB\n"
# The largest event has about 100 kB, the largest batch 200, and each listener holds up to 100 of each queue in memory.
LARGEST_MESSAGE = "max_message_size = 1000000"
# Seven days, as in deploy/rabbitmq/rabbitmq.conf, which says why.
PATIENCE = "consumer_timeout = 604800000\n"
# One of Erlang's schedulers is busy for an eighth of the time while two cores do nothing but payments; with one for
# each core they wake each other (a fifth of the broker's CPU, and a second of its start). None is busy while it waits.
QUIET = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


class RabbitMQFailed(Exception):
    """RabbitMQ did not start or did not obey; the log says why."""


class RabbitMQ:
    """One node on 127.0.0.1 with its own epmd and all its files in `folder`. Starts again after any kind of end."""

    _listens_on = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        port: int,
        binaries: Binaries,
        *,
        distribution_port: int | None = None,
        epmd_port: int | None = None,
        log: Path | None = None,
    ):
        self.folder = folder
        self.port = port
        self.log = log or folder / "rabbitmq.log"
        self._binaries = binaries
        self._distribution_port = distribution_port or free_port([port])
        self._epmd_port = epmd_port or free_port([port, self._distribution_port])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, definitions: dict[str, Any] | None = None) -> None:
        """Start and return when it takes connections, with these definitions loaded."""
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        kill(started_for(self.folder))
        if self._process:
            self._process.wait()
        self._configure(definitions)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Stop in order, and its epmd with it."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        end(started_for(self.folder))

    def kill(self) -> None:
        """Stop at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
        kill(started_for(self.folder))

    def alive(self) -> bool:
        """Whether the node's process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The node's process id, once started."""
        return self._process.pid if self._process else None

    def url(self, user: str, password: str, vhost: str) -> str:
        """The address for this user."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{vhost}"

    def import_definitions(self, definitions: dict[str, Any]) -> None:
        """Add these definitions to the running node."""
        file = self._write_definitions("import.json", definitions)
        self._control("import_definitions", str(file))
        file.unlink()

    def queues(self, vhost: str) -> dict[str, int]:
        """How many messages each queue holds, those that are being worked on included."""
        told = self._control("list_queues", "--silent", "--formatter", "json", "--vhost", vhost, "name", "messages")
        return {queue["name"]: queue["messages"] for queue in json.loads(told)}

    def _control(self, *command: str) -> str:
        said = subprocess.run(
            [self._binaries.sbin / "rabbitmqctl", *command], env=self._environment(), capture_output=True, text=True
        )
        if said.returncode:
            raise RabbitMQFailed(f"{said.stdout}{said.stderr}")
        return said.stdout

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _command(self) -> list[str]:
        return [str(self._binaries.sbin / "rabbitmq-server")]

    def _configure(self, definitions: dict[str, Any] | None) -> None:
        lines = [f"listeners.tcp.local = {self._listens_on}:{self.port}", LIMITS, PATIENCE, LARGEST_MESSAGE]
        if definitions is not None:
            lines.append(f"load_definitions = {self._write_definitions('definitions.json', definitions)}")
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines))
        (self.folder / "enabled_plugins").write_text("[].\n")  # the management plugin makes stopping take 6 s
        (self.folder / "no-env.conf").touch()  # else the system's /etc/rabbitmq would be heeded

    def _write_definitions(self, name: str, definitions: dict[str, Any]) -> Path:
        file = self.folder / name
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(definitions, out)
        return file

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RabbitMQFailed(f"it ended with {process.returncode}")
            if self._greets():
                return
            time.sleep(0.05)
        self.kill()
        raise RabbitMQFailed("it was not ready within 90 s")

    def _greets(self) -> bool:
        """Whether an AMQP client is answered: the listener opens before the node can serve."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        here = self.folder
        return self._binaries.environment() | {
            "LANG": "C.UTF-8",
            "HOME": f"{here}/home",  # the cookie's place
            "RABBITMQ_CONF_ENV_FILE": f"{here}/no-env.conf",
            "RABBITMQ_NODENAME": "purser@localhost",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": f"{here}",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": f"{here}/pid",
            "RABBITMQ_SCHEMA_DIR": f"{here}/schema",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{here}/config",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": QUIET,
            "RUNNING_UNDER_SYSTEMD": "true",  # no shell above it: the process we start becomes the node itself
            MARK: str(here),
        }
