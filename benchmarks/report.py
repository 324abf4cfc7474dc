"""What a benchmark found, as a table for the screen and a section of RESULTS.md."""

import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.faults.report import commit

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """\
# What was measured

Each section is one benchmark, as it was run last: `make bench`, or `make bench NAME=payments` for one. The system is
the benchmark's own: every process, durable servers, nothing switched off. The median of the rounds stands first, then
the lowest and the highest. CPU is what the kernel says that each process has used, the load generator included.
"""


@dataclass(frozen=True)
class Figure:
    """The median of some rounds, and how far they lie apart."""

    median: float
    lowest: float
    highest: float
    digits: int

    def __str__(self) -> str:
        middle, low, high = (f"{value:,.{self.digits}f}" for value in (self.median, self.lowest, self.highest))
        return middle if low == high else f"{middle} ({low} to {high})"


def across(values: Sequence[float], digits: int = 2) -> Figure:
    return Figure(statistics.median(values), min(values), max(values), digits)


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@dataclass(frozen=True)
class Table:
    title: str
    rows: Mapping[str, Figure]

    def __str__(self) -> str:
        return "\n".join(
            [f"| {self.title} | |", "|---|--:|", *(f"| {name} | {row} |" for name, row in self.rows.items())]
        )


def section(name: str, what: str, tables: Sequence[Table]) -> str:
    memory_gib = psutil.virtual_memory().total / 2**30
    machine = f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}"
    made = f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}, Python {platform.python_version()}, {machine}."
    return "\n\n".join([f"## {name}", what.strip(), made, *map(str, tables)]) + "\n"


def write(name: str, text: str) -> None:
    """Put the section in its place in RESULTS.md, instead of what was found before."""
    old = RESULTS.read_text() if RESULTS.exists() else ""
    sections = {found.split("\n", 1)[0]: f"## {found}" for found in re.split(r"^## ", old, flags=re.MULTILINE)[1:]}
    sections[name] = text
    RESULTS.write_text("\n".join([HEAD, *(each.rstrip("\n") + "\n" for _, each in sorted(sections.items()))]))


def _processor() -> str:
    models = re.findall(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return models[0] if models else platform.machine()
