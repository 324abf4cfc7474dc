"""Runs what must catch a mutant, in a copy of the tree, and says what came of it."""

import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

from tests.mutants.mutant import RUNS

MOST_SECONDS = 600
OUTPUT = "output.txt"
NO_END = -1


class Outcome(Enum):
    """Of one test, or one run of faults."""

    GREEN = "green"
    RED = "red"
    BROKEN = "did not run"
    """Not collected, failed before its first line, or without an end: that says nothing about the mechanism."""


def run_tests(ids: Sequence[str], folder: Path, servers: Mapping[str, str]) -> dict[str, Outcome]:
    """Each test's outcome; red when one of its cases failed in its own lines."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = ["pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report.name}", *ids]
        _python(command, folder, servers)
        content = Path(report.name).read_bytes()
    cases = list(ElementTree.fromstring(content).iter("testcase")) if content else []
    return {each: _outcome([case for case in cases if _id(case) == each]) for each in ids}


def _outcome(cases: Sequence[ElementTree.Element]) -> Outcome:
    if any(case.find("failure") is not None for case in cases):
        return Outcome.RED
    if cases and all(case.find("error") is None and case.find("skipped") is None for case in cases):
        return Outcome.GREEN
    return Outcome.BROKEN


def _id(case: ElementTree.Element) -> str:
    """As pytest takes it, without parameters."""
    return f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"


def run_faults(run: str, folder: Path) -> Outcome:
    """Red when an invariant does not hold, which the run says by name."""
    what, *options = run.split()
    status, said = _python([RUNS[what], *options], folder, {})
    if status == 0:
        return Outcome.GREEN
    return Outcome.RED if status == 1 and " does not hold (" in said else Outcome.BROKEN


def _python(module: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit status and output of `python -m`, of the code in the folder and of no other."""
    with (folder / OUTPUT).open("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=folder,
            env={**os.environ, **environment, "PYTHONPATH": str(folder)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            status = process.wait(MOST_SECONDS)
        except subprocess.TimeoutExpired:
            # Both end by it what they have started.
            process.send_signal(signal.SIGINT)
            process.wait()
            status = NO_END
        output.seek(0)
        return status, output.read()


def last_words(folder: Path) -> str:
    """What was run last said in the end."""
    return (folder / OUTPUT).read_text()[-3_000:]
