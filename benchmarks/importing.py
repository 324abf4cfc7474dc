"""Orders from a CSV file, by `purser import` while the shop runs: a short file, and one ten times as long.

Invoices have 20 lines, as a wholesaler's have; one in 50 takes goods back, and one line in 100 cannot be taken.
"""

import asyncio
import csv
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Table, across
from benchmarks.system import Purser
from services.orders.importer.form import Columns

SHORT, LONG = 20_000, 200_000
ROUNDS = 3
LINES = 20
CUSTOMERS = 4_000
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """One run of the command, from its start to its end."""

    per_second: float
    cpu_ms_a_line: float
    peak_mib: float


async def run(purser: Purser) -> list[Table]:
    with TemporaryDirectory() as folder:
        short, long = Path(folder, "short.csv"), Path(folder, "long.csv")
        _write(short, SHORT)
        _write(long, LONG)
        short_runs = [await asyncio.to_thread(_import, purser, short, f"short {n}") for n in range(ROUNDS)]
        long_run = await asyncio.to_thread(_import, purser, long, "long")
    return [
        _table(f"{SHORT:,} lines, {ROUNDS} times", short_runs),
        _table(f"{LONG:,} lines", [long_run]),
        Table(
            "longer by short",
            {"memory": across([long_run.peak_mib / each.peak_mib for each in short_runs])},
        ),
    ]


def _table(title: str, runs: list[Run]) -> Table:
    return Table(
        title,
        {
            "lines a second": across([each.per_second for each in runs], 0),
            "its own CPU ms a line": across([each.cpu_ms_a_line for each in runs], 3),
            "MiB of memory at most": across([each.peak_mib for each in runs], 0),
        },
    )


def _import(purser: Purser, file: Path, source: str) -> Run:
    with file.open() as text:
        lines = sum(1 for _ in text) - 1
    command = [sys.executable, "-m", "services.orders.importer", str(file), "--source", source]
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | purser.system.programs.importing(), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    cpu_ms = 1000 * (used.ru_utime + used.ru_stime)
    return Run(lines / (time.perf_counter() - begun), cpu_ms / lines, used.ru_maxrss / 1024)


def _write(file: Path, lines: int) -> None:
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(astuple(Columns()))
        writer.writerows(_lines(lines))


def _lines(count: int) -> Iterator[list[object]]:
    """The same for each file, as far as it goes."""
    chance = random.Random(7)
    sold: list[list[object]] = []
    for number in range(count // LINES):
        at = FIRST_DAY + timedelta(minutes=number)
        customer = chance.randrange(CUSTOMERS)
        if number % 50 == 49:
            bought = chance.choice(sold)
            yield ["C" + str(number), *bought[1:3], -int(str(bought[3])), f"{at:%Y-%m-%d %H:%M:%S}", *bought[5:]]
            continue
        for _ in range(LINES):
            sku = chance.randrange(3_000)
            quantity = 0 if chance.random() < 0.01 else chance.randrange(1, 25)
            price = f"{1 + sku % 20}.{sku % 100:02d}"
            line = [number, sku, f"Thing {sku}", quantity, f"{at:%Y-%m-%d %H:%M:%S}", price, customer, "Norway"]
            yield line
            if quantity:
                sold = [*sold[-999:], line]
