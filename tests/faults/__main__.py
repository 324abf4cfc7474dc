"""`python -m tests.faults`: break a private Purser and judge it. The exit status says whether every invariant held."""

import argparse
import asyncio
import random
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from deploy.local.home import ROOT
from deploy.local.secrets import LOGINS
from tests.faults.browsers import Browser, kept_open
from tests.faults.clients import ANSWER_SECONDS, Clients, first_customers, sign_in
from tests.faults.history import History, Outcome
from tests.faults.invariants import INVARIANTS
from tests.faults.judge import judge
from tests.faults.plan import Breaker, draw
from tests.faults.points import hits
from tests.faults.quiet import evidence_of, quiet
from tests.faults.report import Run, acknowledged, headline, not_reached, violations, write_report
from tests.faults.system import PrivatePurser, clear_away, private_purser

RESULTS = ROOT / "test-results" / "faults"
CUSTOMERS = 12
AT_ONCE = 24
PACE_SECONDS = 0.01


@dataclass(frozen=True)
class Options:
    seconds: float
    seed: int
    only: str
    report: Path | None


def read_options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=_seconds, default="90s", help="how long to break it: 90s, 20m")
    parser.add_argument(
        "--seed", type=int, default=None, help="of the plan and of what clients wish; else another each time"
    )
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--report", type=Path, default=None, help="write the run down here, as Markdown")
    given = parser.parse_args()
    seed = random.randrange(10_000) if given.seed is None else given.seed
    if not draw(seed, given.seconds, given.only):
        parser.error(f"nothing would be broken by seed {seed}: take another, or more time")
    return Options(given.seconds, seed, given.only, given.report)


def _seconds(given: str) -> float:
    found = re.fullmatch(r"(\d+)([smh]?)", given)
    if not found:
        raise argparse.ArgumentTypeError("a number, and s, m or h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


async def run(options: Options, folder: Path) -> Run:
    say(f"faults: seed {options.seed}, {options.seconds:.0f} s; history and logs in {folder.relative_to(ROOT)}")
    history = History(folder / "history.jsonl")
    try:
        async with private_purser(folder) as purser, working(purser, history) as clients:
            browsers = browsers_of(clients)
            breaker = Breaker(purser, draw(options.seed, options.seconds, options.only), history)
            async with kept_open(browsers):
                await _break(breaker, clients, options)
                async with evidence_of(purser, history.operations, browsers) as evidence:
                    quiet_seconds = await quiet(purser, evidence)
                    say(f"faults: quiet after {quiet_seconds:.1f} s; asking again about what is not known")
                    await clients.ask_about_unknown()
                    quiet_seconds = max(quiet_seconds, await quiet(purser, evidence))
                    verdicts = await judge(evidence, INVARIANTS)
    finally:
        history.close()
    command = f"python -m tests.faults --for {options.seconds:.0f}s --seed {options.seed}"
    if options.only:
        command += f" --only {options.only}"
    return Run(
        command,
        options.seed,
        options.seconds,
        breaker.struck,
        history.operations,
        quiet_seconds,
        verdicts,
        hits(folder),
        purser.repeated,
    )


async def _until_interrupted(options: Options, folder: Path) -> Run:
    """The run, which a signal ends as it ends by itself: nothing is left running."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run(options, folder)


@asynccontextmanager
async def working(purser: PrivatePurser, history: History) -> AsyncIterator[Clients]:
    """Clients who have signed in, and their customers."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=5)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(purser.url, timeout=timeout, connector=connector) as http:
        passwords = purser.system.secrets.logins
        staff = {
            login: await sign_in(http, login, passwords[login]) for role, login in LOGINS.items() if role != "customer"
        }
        clients = Clients(http, history, staff)
        await first_customers(clients, CUSTOMERS)
        yield clients


def browsers_of(clients: Clients) -> list[Browser]:
    """One of each customer, and two of staff."""
    staff = [Browser(clients.http, clients.tokens[login], login) for login in ("admin", "operator")]
    return staff + [Browser(clients.http, clients.tokens[one.login], one.login, one.id) for one in clients.customers]


async def _break(breaker: Breaker, clients: Clients, options: Options) -> None:
    """Let clients work while the plan is carried out, and then end them, each after what it is at."""
    working = [
        asyncio.create_task(clients.work(random.Random(f"{options.seed} client {index}"), PACE_SECONDS))
        for index in range(AT_ONCE)
    ]
    progress = asyncio.create_task(_tell(breaker, clients.history))
    try:
        await breaker.run(options.seconds)
        clients.stop()
        await asyncio.gather(*working)
    finally:
        for task in (*working, progress):
            task.cancel()
        await asyncio.gather(*working, progress, return_exceptions=True)


async def _tell(breaker: Breaker, history: History) -> None:
    """How it goes, every ten seconds."""
    begun, before = time.monotonic(), 0
    while True:
        await asyncio.sleep(10)
        done = acknowledged(history.operations)
        unknown = sum(each.unanswered > 0 and each.outcome is not Outcome.OK for each in history.operations)
        at, rate, recovering = time.monotonic() - begun, (done - before) / 10, len(breaker.begun) - len(breaker.struck)
        say(
            f"  {at:5.0f} s: {done:,} acknowledged ({rate:.0f}/s), {unknown} unknown,"
            f" {len(breaker.begun)} faults, {recovering} not recovered from yet"
        )
        before = done


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    options = read_options()
    folder = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}-{options.seed}"
    folder.mkdir(parents=True)
    try:
        finished = asyncio.run(_until_interrupted(options, folder))
    except asyncio.CancelledError:
        say("faults: interrupted; everything that was started is ended")
        return 130
    finally:
        clear_away(folder)
    for line in (*not_reached(finished), *violations(finished)):
        say(line)
    say(headline(finished))
    if options.report:
        write_report(finished, options.report)
    return 0 if finished.holds else 1


if __name__ == "__main__":
    sys.exit(main())
