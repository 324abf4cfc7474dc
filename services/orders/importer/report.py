"""What became of every line."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TextIO

from rich.console import Console
from rich.table import Table

from services.orders.importer.reading import Line

SHOWN = 20


class Outcome(StrEnum):
    """Every line has exactly one."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken before"
    CANCELLATION = "cancellation applied"
    CANCELLATION_BEFORE = "cancellation applied before"
    REFUSED = "refused"


@dataclass
class Batch:
    """What one transaction does, to be reported once it has committed."""

    customers: int = 0
    orders: int = 0
    results: list[tuple[Line, Outcome, str]] = field(default_factory=list)

    def add(self, line: Line, outcome: Outcome, remark: str = "") -> None:
        self.results.append((line, outcome, remark))


@dataclass
class Report:
    """Counts, and the first refusals; each line also goes to `rows`, where there is such a file."""

    rows: TextIO | None = None
    customers: int = 0
    orders: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    first_refusals: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._write("line", "invoice", "outcome", "reason or order")

    @property
    def lines(self) -> int:
        return self.outcomes.total()

    def add(self, batch: Batch) -> None:
        self.customers += batch.customers
        self.orders += batch.orders
        for line, outcome, remark in batch.results:
            self._add_line(line, outcome, remark)

    def _add_line(self, line: Line, outcome: Outcome, remark: str) -> None:
        self.outcomes[outcome] += 1
        if outcome is Outcome.REFUSED:
            self.reasons[remark] += 1
            if len(self.first_refusals) < SHOWN:
                self.first_refusals.append((line.number, line.invoice, remark))
        self._write(line.number, line.invoice, outcome.value, remark)

    def _write(self, *cells: object) -> None:
        if self.rows is not None:
            csv.writer(self.rows).writerow(cells)

    def show(self, console: Console) -> None:
        """For a person to read."""
        console.print(f"\n{self.lines:,} lines: {self.orders:,} orders and {self.customers:,} customers made")
        summary = Table(box=None, show_header=False, pad_edge=False)
        for outcome in Outcome:
            if self.outcomes[outcome]:
                summary.add_row(f"  {outcome.value}", f"{self.outcomes[outcome]:,}".rjust(9))
                if outcome is Outcome.REFUSED:
                    for reason, count in self.reasons.most_common():
                        summary.add_row(f"    {reason}", f"{count:,}".rjust(9))
        console.print(summary, highlight=False)
        if self.first_refusals:
            console.print(f"\nThe first {len(self.first_refusals)} refused lines:")
            for number, invoice, reason in self.first_refusals:
                console.print(
                    f"  line {number}, invoice {invoice or '?'}: {reason}",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )
            if self.outcomes[Outcome.REFUSED] > SHOWN:
                console.print("All of them, and what became of every other line: --report FILE")
