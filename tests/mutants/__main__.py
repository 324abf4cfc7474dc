"""`python -m tests.mutants`: take one mechanism away at a time; what must catch that goes red, or a test is missing.

The checkout is never touched: each patch is applied to a copy. Two are tried at a time, each on servers of its own.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.home import HOME, ROOT
from tests.mutants.lanes import Lanes, running_lanes
from tests.mutants.mutant import Mutant, all_mutants
from tests.mutants.outcome import Outcome, last_words, run_faults, run_tests


@contextmanager
def copied() -> Iterator[Path]:
    """The tree as it is here, committed or not, in a folder that is gone afterwards."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    with tempfile.TemporaryDirectory(prefix="purser-mutant-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        for name in listed.stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        # RabbitMQ, where it was unpacked there, and what else takes long to get.
        (folder / ".purser").mkdir(mode=0o700)
        for had in (HOME.folder / "rabbitmq", HOME.folder / "apt"):
            if had.exists():
                (folder / ".purser" / had.name).symlink_to(had)
        yield folder


def check(mutants: Sequence[Mutant], lanes: Lanes) -> bool:
    """Without any patch all of it is green."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    runs = sorted({run for mutant in mutants for run in mutant.runs})

    def is_green(tried: tuple[Sequence[str], Sequence[str]]) -> bool:
        with copied() as folder:
            wrong = [each for each in _outcomes(*tried, folder, lanes).items() if each[1] is not Outcome.GREEN]
            if wrong:
                lines = [f"✗ without any mutant: {name}: {outcome.value}" for name, outcome in wrong]
                say("\n".join([*lines, last_words(folder)]))
        return not wrong

    return all(lanes.map(is_green, [(tests, []), ([], runs)]))


def is_caught(mutant: Mutant, lanes: Lanes) -> bool:
    """Everything that must catch it goes red."""
    begun = time.monotonic()
    with copied() as folder:
        if why := mutant.apply(folder):
            say(f"✗ {mutant.name}: the patch does not apply any more\n{why}")
            return False
        outcomes = _outcomes(mutant.tests, mutant.runs, folder, lanes, own_servers=mutant.changes_the_servers)
        caught = all(outcome is Outcome.RED for outcome in outcomes.values())
        lines = [f"{'✓' if caught else '✗'} {mutant.name} ({time.monotonic() - begun:.0f} s): {mutant.takes_away}"]
        lines += [f"    {outcome.value}: {name}" for name, outcome in outcomes.items()]
        if Outcome.BROKEN in outcomes.values():
            lines.append(last_words(folder))
        say("\n".join(lines))
    return caught


def _outcomes(
    tests: Sequence[str], runs: Sequence[str], folder: Path, lanes: Lanes, own_servers: bool = False
) -> dict[str, Outcome]:
    """Of what is run in the folder, one after the other."""
    outcomes: dict[str, Outcome] = {}
    if tests:
        with lanes.servers() as servers:
            outcomes |= run_tests(tests, folder, {} if own_servers else servers)
    return outcomes | {run: run_faults(run, folder) for run in runs}


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="which; all of them without any name")
    parser.add_argument("--list", action="store_true", help="say what there is")
    given = parser.parse_args()
    known = {mutant.name: mutant for mutant in all_mutants()}
    if unknown := set(given.names) - set(known):
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    chosen = [known[name] for name in given.names] or list(known.values())
    if given.list:
        for mutant in chosen:
            say(f"{mutant.name}: {mutant.takes_away}")
            for name in mutant.caught_by:
                say(f"    {name}")
        return 0
    begun = time.monotonic()
    with running_lanes() as lanes:
        if not check(chosen, lanes):
            return 1
        caught = sum(lanes.map(lambda mutant: is_caught(mutant, lanes), sorted(chosen, key=_longest_first)))
    say(f"mutants: {caught} of {len(chosen)} caught in {time.monotonic() - begun:.0f} s")
    return 0 if caught == len(chosen) else 1


def _longest_first(mutant: Mutant) -> bool:
    return not mutant.runs


if __name__ == "__main__":
    sys.exit(main())
