"""What a run has come to: one line, and a page."""

import os
import platform
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.home import ROOT
from tests.faults.history import Operation, Outcome
from tests.faults.judge import SHOWN, Verdict
from tests.faults.plan import Struck
from tests.faults.points import Failpoint

PAGE = """\
# A run that breaks Purser

Everything real: PostgreSQL with fsync, RabbitMQ, every process. Clients ask through the gateway while a seeded plan
breaks things; then all is left alone until it is quiet, and judged. `tests/faults` is how.

    {command}

> {headline}

On {machine}, clients and judge included.

## What was broken

| fault | times | recovery: median | longest |
|---|--:|--:|--:|
{faults}

Recovery is the time until every process that was hit has said again that it is ready; for a server that ended, its own
start is in it.

Wires were between each process and its servers. While messages were repeated, {repeated:,} more copies were delivered,
up to four of each, up to two seconds late.

Of the failpoints, each of which is a kill at one step of a payment or of a refund:

| process | step | of | times |
|---|---|---|--:|
{points}

## What was asked

An operation counts as acknowledged when it is a write and was answered 2xx. One that was not answered is sent again
with the same key; what stays unknown is asked again when all is quiet.

| operation | acknowledged | refused | unknown to the end | tries without an answer |
|---|--:|--:|--:|--:|
{operations}

## What was judged

| | it holds that | looked at | wrong |
|---|---|--:|--:|
{verdicts}
"""


@dataclass(frozen=True)
class Run:
    """Everything about a run that is told."""

    command: str
    seed: int
    seconds: float
    struck: Sequence[Struck]
    operations: Sequence[Operation]
    quiet_seconds: float
    verdicts: Sequence[Verdict]
    points: Mapping[Failpoint, int]
    repeated: int

    @property
    def holds(self) -> bool:
        return all(verdict.holds for verdict in self.verdicts)

    @property
    def kills(self) -> int:
        return sum(struck.fault.name in ("kill", "broker kill", "database kill") for struck in self.struck) + sum(
            self.points.values()
        )


def commit() -> str:
    """What was run: the commit, with a + where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return told.stdout.strip() or "unknown"


def machine() -> str:
    """What it ran on, and when."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {psutil.virtual_memory().total / 2**30:.0f} GB),"
        f" Python {platform.python_version()}, {platform.system()} {platform.release()}, {time.strftime('%d %B %Y')}"
    )


def acknowledged(operations: Iterable[Operation]) -> int:
    return sum(each.outcome is Outcome.OK for each in operations)


def headline(run: Run) -> str:
    """The line that is printed at the end."""
    faults = Counter(struck.fault.name for struck in run.struck)
    told = ", ".join(f"{count} {_several(name, count)}" for name, count in sorted(faults.items(), key=_by_weight))
    unknown = sum(each.outcome is Outcome.UNKNOWN or each.unanswered > 0 for each in run.operations)
    fewest, reached = min(run.points.values()), sum(times > 0 for times in run.points.values())
    figures = ", ".join(f"{what} {count}" for what, count in losses(run.verdicts).items())
    recovery = max((struck.recovery_seconds for struck in run.struck), default=0.0)
    bound = f" (95 %: below {3 / run.kills:.2%} a kill)" if run.holds and run.kills >= 100 else ""
    return (
        f"faults: {run.seconds:.0f} s, {told} ({reached} of {len(run.points)} points reached, each"
        f" {fewest} times at least); {acknowledged(run.operations):,} operations acknowledged,"
        f" {unknown:,} unknown at some time; {figures}{bound}; longest recovery {recovery:.1f} s, quiet after"
        f" {run.quiet_seconds:.1f} s; seed {run.seed}, commit {commit()}"
    )


def _by_weight(counted: tuple[str, int]) -> tuple[int, str]:
    name, _ = counted
    return (("kill", "freeze").index(name) if name in ("kill", "freeze") else 2), name


def _several(name: str, count: int) -> str:
    return name if count == 1 or name.endswith("ed") else f"{name}s"


def losses(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Lost: acknowledged or told, and not there. Doubled: done or told more than once. Drift: figures that differ."""
    kinds = {"lost": ("I-4", "I-5", "I-10", "I-15"), "doubled": ("I-6", "I-13", "I-14")}
    sums = dict.fromkeys((*kinds, "drift"), 0)
    for verdict in verdicts:
        kind = next((kind for kind, codes in kinds.items() if verdict.code in codes), "drift")
        sums[kind] += len(verdict.finding.wrong)
    return sums


def violations(run: Run) -> list[str]:
    """Each broken invariant by name, with the first of what it found."""
    return broken(run.verdicts)


def broken(verdicts: Iterable[Verdict]) -> list[str]:
    lines = []
    for verdict in verdicts:
        if not verdict.holds:
            wrong = verdict.finding.wrong
            lines.append(f"{verdict.code} does not hold ({len(wrong)} of {verdict.finding.looked_at}): {verdict.says}")
            lines += [f"    {sentence}" for sentence in wrong[:SHOWN]]
    return lines


def verdict_rows(verdicts: Iterable[Verdict]) -> str:
    """Of a table."""
    return "\n".join(
        f"| {verdict.code} | {' '.join(verdict.says.split())} | {verdict.finding.looked_at:,} |"
        f" {len(verdict.finding.wrong):,} |"
        for verdict in verdicts
    )


def not_reached(run: Run) -> list[str]:
    """One line about the steps at which no process died, if there are any."""
    missed = [f"{point.step} of {point.subject} in {point.process}" for point, times in run.points.items() if not times]
    return [f"never reached ({len(missed)}): {', '.join(missed)}"] if missed else []


def write_report(run: Run, file: Path) -> None:
    """The run as a page."""
    faults: dict[str, list[float]] = {}
    for struck in run.struck:
        faults.setdefault(struck.fault.name, []).append(struck.recovery_seconds)
    kinds = sorted({each.kind for each in run.operations})
    counted = Counter((each.kind, each.outcome) for each in run.operations)
    unanswered = Counter({kind: sum(each.unanswered for each in run.operations if each.kind == kind) for kind in kinds})
    text = PAGE.format(
        command=run.command,
        headline=headline(run),
        machine=machine(),
        faults="\n".join(
            f"| {name} | {len(seconds)} | {statistics.median(seconds):.1f} s | {max(seconds):.1f} s |"
            for name, seconds in sorted(faults.items())
        ),
        repeated=run.repeated,
        points="\n".join(
            f"| {point.process} | {point.step} | {point.subject} | {times} |" for point, times in run.points.items()
        ),
        operations="\n".join(
            f"| {kind} | {counted[kind, Outcome.OK]:,} | {counted[kind, Outcome.FAIL]:,}"
            f" | {counted[kind, Outcome.UNKNOWN]:,} | {unanswered[kind]:,} |"
            for kind in kinds
        ),
        verdicts=verdict_rows(run.verdicts),
    )
    file.write_text(text)
