"""Words that must not come out, and where else they were found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# What people write, and programs send. What bears REFUSED a constraint of a database refuses; SLOW takes too long.
WRITTEN = {
    kind: f"canary-{kind}-5e1c"
    for kind in (
        "name", "email", "phone", "address", "login", "title", "note", "staff-note", "subject", "text", "search",
        "wrong-password", "password", "query-password", "header-password", "basic", "cookie", "bearer", "key",
        "event", "type", "database-password", "broker-password", "signing-key", "nonsense",
    )
}  # fmt: skip
REFUSED, SLOW = "refused-by-the-database", "too-slow-for-the-database"


@dataclass
class Heard:
    """What came out: by where it stood."""

    logs: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    spans: dict[str, str] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    events: dict[str, set[str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def found(heard: Mapping[str, str], words: Mapping[str, str]) -> list[str]:
    """Which words stand where, with what is around them."""
    return [
        f"{kind} in {place}: ...{told[max(0, at - 150) : at + 100]!r}"
        for place, told in heard.items()
        for kind, word in words.items()
        if (at := told.find(word)) >= 0
    ]
