"""`python -m tests.mutants`: take one mechanism away at a time; what must catch that goes red, or a test is missing.

The checkout is never touched: each patch is applied to a copy.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.home import HOME, ROOT
from tests.mutants.mutant import Mutant, all_mutants
from tests.mutants.outcome import Outcome, last_words, run_faults, run_tests
from tests.servers import running_servers


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


def check(mutants: Sequence[Mutant], servers: Mapping[str, str]) -> bool:
    """Without any patch all of it is green."""
    with copied() as folder:
        outcomes = run_tests(sorted({test for mutant in mutants for test in mutant.tests}), folder, servers)
        for plan in sorted({plan for mutant in mutants for plan in mutant.faults}):
            outcomes[f"faults {plan}"] = run_faults(plan, folder)
        wrong = {name: outcome for name, outcome in outcomes.items() if outcome is not Outcome.GREEN}
        for name, outcome in wrong.items():
            say(f"✗ without any mutant: {name}: {outcome.value}")
        if wrong:
            say(last_words(folder))
    return not wrong


def is_caught(mutant: Mutant, servers: Mapping[str, str]) -> bool:
    """Everything that must catch it goes red."""
    begun = time.monotonic()
    with copied() as folder:
        if why := mutant.apply(folder):
            say(f"✗ {mutant.name}: the patch does not apply any more\n{why}")
            return False
        outcomes = (
            run_tests(mutant.tests, folder, {} if mutant.changes_the_servers else servers) if mutant.tests else {}
        )
        for plan in mutant.faults:
            outcomes[f"faults {plan}"] = run_faults(plan, folder)
        caught = all(outcome is Outcome.RED for outcome in outcomes.values())
        say(f"{'✓' if caught else '✗'} {mutant.name} ({time.monotonic() - begun:.0f} s): {mutant.takes_away}")
        for name, outcome in outcomes.items():
            say(f"    {outcome.value}: {name}")
        if Outcome.BROKEN in outcomes.values():
            say(last_words(folder))
    return caught


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
    with running_servers(["main"]) as running:
        servers = {"PURSER_TEST_POSTGRES_URL": running.postgres_url, "PURSER_TEST_BROKER_URL": running.broker_url}
        if not check(chosen, servers):
            return 1
        caught = sum([is_caught(mutant, servers) for mutant in chosen])
    say(f"{caught} of {len(chosen)} mutants caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
