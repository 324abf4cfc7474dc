"""What a run through all failpoints has come to: one line, and a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.judge import Verdict
from tests.faults.points import REPEATING, Failpoint
from tests.faults.report import broken, commit, losses, machine, verdict_rows

PAGE = """\
# Dead at every step of a payment and of a refund

Everything real: PostgreSQL with fsync, RabbitMQ, every process. At each of these steps a process is killed with SIGKILL
while an order is paid, or a paid one cancelled; it is started again, and the payment or refund must come to its end.
After each round all is left alone until it is quiet, and judged. `tests/faults/each_point.py` is how.

    {command}

> {headline}

On {machine}.

| process | step | of | hits | delivered again |
|---|---|---|--:|--:|
{points}

Delivered again: what a relay published once more because it had died before it noted the confirmation, or what a queue
gave out once more because its listener had died before it acknowledged, although the event had taken effect. Where
there is a figure, it must be {times} or more; a hit after which nothing came again is tried again: while a confirmation
is waited for, the event may not have left yet. What comes again must have no effect: that is what is judged.

| | it holds that | looked at | wrong |
|---|---|--:|--:|
{verdicts}
"""


@dataclass(frozen=True)
class PointsRun:
    """Everything about a run that is told."""

    times: int
    hits: Mapping[Failpoint, int]
    again: Mapping[Failpoint, int]
    verdicts: Sequence[Verdict]
    seconds: float


def wrong(run: PointsRun) -> list[str]:
    """Each sentence says what must not be."""
    found = broken(run.verdicts)
    for point, times in run.hits.items():
        again = run.again.get(point, 0)
        if times < run.times:
            found.append(f"reached too seldom, {times} times: {point}")
        if point in REPEATING and again < run.times:
            found.append(f"delivered again too seldom, {again} times: {point}")
    return found


def headline(run: PointsRun) -> str:
    """The line that is printed at the end."""
    figures = ", ".join(f"{what} {count}" for what, count in losses(run.verdicts).items())
    return (
        f"failpoints: {len(run.hits)} points x {run.times}, {sum(run.hits.values())} hits, each"
        f" {min(run.hits.values())} times at least; {sum(run.again.values())} events delivered again; {figures};"
        f" {run.seconds:.0f} s, commit {commit()}"
    )


def table(run: PointsRun) -> list[str]:
    return [
        f"| {point.process} | {point.step} | {point.event} | {times} | {run.again.get(point, '')} |"
        for point, times in run.hits.items()
    ]


def write_report(run: PointsRun, file: Path) -> None:
    """The run as a page."""
    text = PAGE.format(
        command=f"make failpoints TIMES={run.times} ARGS='--report {file}'",
        headline=headline(run),
        times=run.times,
        machine=machine(),
        points="\n".join(table(run)),
        verdicts=verdict_rows(run.verdicts),
    )
    file.write_text(text)
