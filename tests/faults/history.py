"""What was asked and what was answered, in memory for the judge and in a file for people.

An operation bears one mark, as its Idempotency-Key and as its correlation id: every event that it causes names it.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any


class Outcome(StrEnum):
    """ok: answered as done · fail: every try was refused · unknown: some try was not answered, and none as done."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass
class Operation:
    """One thing that somebody wanted, however often it was sent."""

    mark: str
    kind: str
    login: str
    method: str
    path: str
    body: dict[str, Any] | None
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0
    answer: Any = None
    tries: int = 0
    unanswered: int = 0
    contradictions: list[Any] = field(default_factory=list)

    @property
    def is_keyed(self) -> bool:
        """Whether a repeat is promised the same answer; the others set a state."""
        return self.kind in KEYED


KEYED = frozenset({"deposit", "withdraw", "pay", "place", "ticket", "message", "register", "decide"})
# What is kept of an answer that is a page.
ESSENCE = ("number", "status", "version", "total_minor", "paid_minor", "items", "ticket", "id", "login")


class History:
    """Every operation of a run, in the order in which they began."""

    def __init__(self, file: Path) -> None:
        self.operations: list[Operation] = []
        self._out: IO[str] = file.open("w", buffering=1 << 16)
        self._begun = time.monotonic()

    def invoke(self, kind: str, login: str, method: str, path: str, body: dict[str, Any] | None) -> Operation:
        operation = Operation(f"operation-{len(self.operations):07}", kind, login, method, path, body)
        self.operations.append(operation)
        self._write("invoke", operation.mark, kind=kind, login=login, method=method, path=path, body=body)
        return operation

    def complete(self, operation: Operation) -> None:
        told = {"status": operation.status, "tries": operation.tries, "answer": operation.answer}
        self._write(operation.outcome.value, operation.mark, **told)

    def contradicted(self, operation: Operation, answer: Any) -> None:
        """A repeat was answered otherwise than the first time."""
        operation.contradictions.append(answer)
        self._write("contradiction", operation.mark, answer=answer)

    def note(self, event: str, **told: Any) -> None:
        """What else happened, for people who read the file."""
        self._write(event, "", **told)

    def close(self) -> None:
        self._out.close()

    def _write(self, event: str, mark: str, **told: Any) -> None:
        line = {"t": round(time.monotonic() - self._begun, 4), "mark": mark, "event": event, **told}
        self._out.write(json.dumps(line, separators=(",", ":")) + "\n")


def essence(answer: Any) -> Any:
    """A page without what the judge does not look at."""
    if isinstance(answer, dict) and "items" in answer:
        short = {key: answer[key] for key in ESSENCE if key in answer}
        short["items"] = [[item["line"], item["status"], item["total_minor"]] for item in answer["items"]]
        return short
    return answer


def as_evidence(operation: Operation) -> str:
    """The operation on one line."""
    told = {key: value for key, value in asdict(operation).items() if value not in (None, [], "")}
    return json.dumps(told, default=str)
