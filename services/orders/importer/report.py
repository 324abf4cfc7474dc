"""What became of every line."""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TextIO

from rich.console import Console

from services.orders.importer.checking import Line

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

    def add(self, line: Line, outcome: Outcome, remark: str) -> None:
        """`remark` is the order's number, or why the line was refused."""
        self.results.append((line, outcome, remark))

    def refuse(self, lines: Iterable[Line], reason: str) -> None:
        for line in lines:
            self.add(line, Outcome.REFUSED, reason)


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
        # A batch is done invoice by invoice, a reader goes line by line.
        for line, outcome, remark in sorted(batch.results, key=lambda result: result[0].number):
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
        made = f"{_count(self.orders, 'order')} and {_count(self.customers, 'customer')} made"
        _say(console, f"\n{_count(self.lines, 'line')}: {made}")
        for outcome in Outcome:
            if self.outcomes[outcome]:
                _say(console, f"{self.outcomes[outcome]:>9,}  {outcome.value}")
        for reason, count in self.reasons.most_common():
            _say(console, f"{count:>15,}  {reason}")
        if self.first_refusals:
            refused = self.outcomes[Outcome.REFUSED]
            _say(console, f"\nRefused{f', the first {SHOWN}' if refused > SHOWN else ''}:")
            for number, invoice, reason in self.first_refusals:
                _say(console, f"  line {number}, {f'invoice {invoice}' if invoice else 'no invoice'}: {reason}")
            if refused > SHOWN:
                _say(console, "All of them, and what became of every other line: --report FILE")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _say(console: Console, sentence: str) -> None:
    # What stands in a file is not markup.
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)
