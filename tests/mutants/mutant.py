"""A patch that takes one mechanism away, and what must catch it, as its first lines say."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
# What is run, and its module.
RUNS = {"faults": "tests.faults", "failpoints": "tests.faults.each_point"}


@dataclass(frozen=True)
class Mutant:
    """`caught_by`: pytest's ids without parameters, or `faults --for 40s --seed 6`, a run of this plan, or
    `failpoints --only before_ack`, of these points."""

    patch: Path
    takes_away: str
    caught_by: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.patch.stem

    @property
    def tests(self) -> list[str]:
        return [each for each in self.caught_by if not is_run(each)]

    @property
    def runs(self) -> list[str]:
        """Of faults, or of failpoints."""
        return [each for each in self.caught_by if is_run(each)]

    @property
    def changes_the_servers(self) -> bool:
        """What the broker loads is made from the code: it takes servers of its own."""
        return "+++ b/shared/messaging.py" in self.patch.read_text()

    def apply(self, folder: Path, only_try: bool = False) -> str:
        """Change the copy in `folder`; gives why that cannot be done, or nothing."""
        command = ["git", "apply", *(["--check"] if only_try else []), str(self.patch)]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True).stderr


def is_run(caught_by: str) -> bool:
    return caught_by.partition(" ")[0] in RUNS


def all_mutants() -> list[Mutant]:
    return [_read(patch) for patch in sorted(FOLDER.glob("*.patch"))]


def _read(patch: Path) -> Mutant:
    header = patch.read_text().partition("\n\n")[0].splitlines()
    said = [line.split(": ", 1) for line in header]
    [takes_away] = [text for what, text in said if what == "Takes away"]
    return Mutant(patch, takes_away, tuple(text for what, text in said if what == "Caught by"))
