"""RabbitMQ from its image, where Docker answers and there is no other."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

from .rabbitmq import RabbitMQ
from .rabbitmq_binaries import Binaries

IMAGE = "rabbitmq:4"


def has_image() -> bool:
    """Whether Docker answers and has the image, or can get it."""
    try:
        return any(_docker(*command).returncode == 0 for command in (("image", "inspect", IMAGE), ("pull", IMAGE)))
    except FileNotFoundError:
        return False


class RabbitMQContainer(RabbitMQ):
    """The same node in a container, its files in the same folder."""

    _listens_on = "0.0.0.0"  # noqa: S104  # of the container; published on 127.0.0.1 only

    def __init__(self, folder: Path, port: int, *, log: Path):
        super().__init__(folder, port, Binaries(Path()), log=log)
        self._name = f"purser-{sha256(str(folder).encode()).hexdigest()[:12]}"

    def start(self, definitions: dict[str, Any] | None = None) -> None:
        """Start, after removing what a killed client may have left running."""
        self._remove()
        super().start(definitions)

    def stop(self) -> None:
        """Stop in order: the client hands the signal on."""
        super().stop()
        self._remove()

    def kill(self) -> None:
        """Stop at once."""
        self._remove()
        super().kill()

    def _command(self) -> list[str]:
        inside = {key: value for key, value in self._environment().items() if key != "PATH"}
        variables = [part for key, value in inside.items() for part in ("--env", f"{key}={value}")]
        # The image's own entrypoint would become its user, to whom the folder does not belong.
        run = [
            "docker",
            "run",
            "--rm",
            "--name",
            self._name,
            "--hostname",
            "localhost",
            "--entrypoint",
            "rabbitmq-server",
        ]
        who = ["--user", f"{os.getuid()}:{os.getgid()}", "--volume", f"{self.folder}:{self.folder}"]
        return [*run, *who, "--publish", f"127.0.0.1:{self.port}:{self.port}", *variables, IMAGE]

    def _remove(self) -> None:
        _docker("rm", "--force", self._name)


def _docker(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], capture_output=True)
