"""Finding and ending what we started."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.processes import MARK, end, started_for

# Ignores what asks it to stop, and ends with this process at the latest.
DEAF = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); sys.stdin.read()"


@contextmanager
def running(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {MARK: str(home)}
    command, pipe = [sys.executable, "-c", DEAF], subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_sweep_finds_what_was_started_for_a_folder_or_inside_it_and_nothing_of_its_neighbour(tmp_path: Path) -> None:
    home, neighbour = tmp_path / "purser", tmp_path / "purser-2"
    with running(home) as one, running(home / "data") as two, running(neighbour):
        assert {process.pid for process in started_for(home)} == {one.pid, two.pid}


def test_what_does_not_stop_when_asked_is_killed(tmp_path: Path) -> None:
    with running(tmp_path):
        end(started_for(tmp_path), patience=0.1)
        assert not started_for(tmp_path)
