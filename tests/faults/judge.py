"""Judges a run by what is left when all is quiet: every invariant is one function, named and saying what it checks."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.faults.browsers import Browser
from tests.faults.history import Operation

SERVICES = ("orders", "billing", "support", "gateway")
SHOWN = 5

# Every event that a service has told, or is yet to tell.
EVENTS = """
    events AS (
        SELECT event_id, aggregate, subject, version, routing_key, correlation_id, body FROM outbox_archive
        UNION ALL SELECT event_id, aggregate, subject, version, routing_key, correlation_id, body FROM outbox
    )
"""


@dataclass
class Evidence:
    """What there is to judge by."""

    databases: Mapping[str, "asyncpg.Connection[Any]"]
    operations: Sequence[Operation] = ()
    browsers: Sequence[Browser] = ()
    queues: Mapping[str, int] = field(default_factory=dict)
    """How many messages each holds, those in hand included."""
    dead_letters: Collection[str] = ()
    """The ids of the events in there."""
    leading: Mapping[str, float] = field(default_factory=dict)
    """For each service, how many of its workers say that they relay."""
    replicas: int = 1
    """How many processes there are of each kind."""
    never_arrived: str | None = None
    """What was still on its way when patience ended."""

    async def rows(self, service: str, query: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.databases[service].fetch(query, *values)]

    async def count(self, service: str, query: str) -> int:
        return int(await self.databases[service].fetchval(query))


@dataclass
class Finding:
    """How many things an invariant has looked at, and what it found wrong, each as a sentence with its rows."""

    looked_at: int
    wrong: list[str]


Invariant = Callable[[Evidence], Awaitable[Finding]]


@dataclass(frozen=True)
class Verdict:
    """Of one invariant."""

    code: str
    says: str
    finding: Finding

    @property
    def holds(self) -> bool:
        return not self.finding.wrong


async def judge(evidence: Evidence, invariants: Iterable[Invariant]) -> list[Verdict]:
    """The verdict on each, in their order."""
    return [Verdict(code_of(each), says(each), await each(evidence)) for each in invariants]


def code_of(invariant: Invariant) -> str:
    """`i10_...` is I-10."""
    return f"I-{int(invariant.__name__[1:3])}"


def says(invariant: Invariant) -> str:
    return (invariant.__doc__ or "").strip()


def differences(what: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each row as a sentence."""
    return [f"{what}: " + ", ".join(f"{name} {value}" for name, value in row.items()) for row in rows]
