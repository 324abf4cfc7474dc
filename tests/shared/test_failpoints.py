"""A process dies exactly where a test has armed it to, once; and where nobody arms, nothing is even looked at."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.programs import LASTING, SERVER_PORTS, Programs
from deploy.local.secrets import Secrets
from shared import failpoints

COMES_BY = "from shared import failpoints; failpoints.hit('before_commit', 'some.event', 'another.event')"
WAITS = """
import asyncio
from shared import failpoints

async def wait():
    with failpoints.during("before_confirm", "some.event"):
        await asyncio.sleep({seconds})

asyncio.run(wait())
"""


def ended(program: str, folder: Path) -> int:
    """How a process that runs this ended; the folder then holds its pid instead of what was armed."""
    environment = {**os.environ, "PURSER_FAILPOINTS": str(folder)}
    return subprocess.run([sys.executable, "-c", program], env=environment).returncode


def test_a_process_dies_where_it_is_armed_once_and_leaves_word(tmp_path: Path) -> None:
    (tmp_path / "before_commit:another.event").touch()
    (tmp_path / "after_commit:another.event").touch()
    assert ended(COMES_BY, tmp_path) == -signal.SIGKILL
    assert ended(COMES_BY, tmp_path) == 0
    left = sorted(path.name.rstrip("0123456789") for path in tmp_path.iterdir())
    assert left == ["after_commit:another.event", "before_commit:another.event:hit by "]


@pytest.mark.parametrize(("seconds", "end"), [(5, -signal.SIGKILL), (0, 0)], ids=["still waits", "has its answer"])
def test_a_process_dies_in_the_middle_of_a_wait(tmp_path: Path, seconds: int, end: int) -> None:
    (tmp_path / "before_confirm:some.event").touch()
    assert ended(WAITS.format(seconds=seconds), tmp_path) == end


def test_without_a_folder_nothing_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "before_commit:some.event").touch()
    monkeypatch.setattr(os, "rename", None)
    failpoints.hit("before_commit", "some.event")
    with failpoints.during("before_commit", "some.event"):
        pass


def test_no_process_of_a_shop_has_failpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURSER_FAILPOINTS", str(tmp_path))
    ports = dict.fromkeys((*SERVER_PORTS, *LASTING), 1)
    programs = Programs(ports, Secrets.load(tmp_path / "secrets", None, None))
    everything = [*programs.apis(), *programs.workers(), *programs.gateways()]
    assert not any("PURSER_FAILPOINTS" in program.environment for program in everything)
