"""`python -m tests.faults.each_point`: a process dies at each failpoint in turn, several times, and all is judged.

Of each process one point is armed at a time, of several processes at once; then an order is paid, or another that is
paid is cancelled, or both.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from pathlib import Path

from deploy.local.keeper import START_SECONDS
from tests.faults.__main__ import RESULTS, browsers_of, say, working
from tests.faults.browsers import kept_open
from tests.faults.history import History
from tests.faults.invariants import INVARIANTS
from tests.faults.judge import SERVICES, Evidence, judge
from tests.faults.points import PAYMENT, POINTS, REPEATING, Failpoint, hits
from tests.faults.points_report import PointsRun, headline, write_report, wrong
from tests.faults.quiet import evidence_of, quiet
from tests.faults.report import broken
from tests.faults.stock import PRICE_MINOR, Stock
from tests.faults.system import PrivatePurser, clear_away, private_purser
from tests.faults.tap import Tap, tapped

# A wait for an answer may be over sooner than a process dies in it.
TRIES = 10
# When the orders are as they must be, what is done after that is done within this time.
AFTERWARDS_SECONDS = 1.0
SETTLED_SECONDS = 30.0
AGAIN_SECONDS = 2.0


class Unsettled(Exception):
    """What has not arrived after a death: no more is tried."""


class EachPoint:
    """Orders that are paid, and that are cancelled, while processes die of it."""

    def __init__(self, purser: PrivatePurser, evidence: Evidence, stock: Stock, tap: Tap) -> None:
        self.purser, self.evidence, self.stock, self.tap = purser, evidence, stock, tap
        self.delivered_again: Counter[Failpoint] = Counter()

    async def strike(self, points: Sequence[Failpoint]) -> list[Failpoint]:
        """Let each of these processes die at its point; gives the points at which none did, which are disarmed, and
        those whose event was not delivered again although it should have been."""
        orders = {
            cancelled: await (self.stock.paid() if cancelled else self.stock.unpaid())
            for cancelled in {point not in PAYMENT for point in points}
        }
        deaths = {point: self.purser.keeper.state.processes[point.process].deaths for point in points}
        told_again = Counter(self.tap.again)
        armed = {point: point.armed(self.purser.home.folder) for point in points}
        for file in armed.values():
            file.touch()
        await asyncio.gather(
            *((self.stock.cancel if cancelled else self.stock.pay)(number) for cancelled, number in orders.items())
        )
        await self._come_by(list(armed.values()), orders)
        missed = [point for point, file in armed.items() if _is_disarmed(file)]
        died = {point: deaths[point] for point in points if point not in missed}
        await self._settled(orders, died)
        for point in died.keys() & REPEATING:
            again = await self._again(point, told_again)
            self.delivered_again[point] += again
            if not again:
                missed.append(point)
        return missed

    async def _come_by(self, armed: Sequence[Path], orders: dict[bool, str]) -> None:
        """Wait until all the points are hit, or what could come to one is over."""
        end = time.monotonic() + START_SECONDS
        while any(file.exists() for file in armed) and time.monotonic() < end:
            if await self._on_its_way(orders, {}) is None:
                end = min(end, time.monotonic() + AFTERWARDS_SECONDS)
            await asyncio.sleep(0.05)

    async def _settled(self, orders: dict[bool, str], died: dict[Failpoint, int]) -> None:
        end = time.monotonic() + SETTLED_SECONDS
        while what := await self._on_its_way(orders, died):
            if time.monotonic() > end:
                raise Unsettled(what)
            await asyncio.sleep(0.05)

    async def _on_its_way(self, orders: dict[bool, str], died: dict[Failpoint, int]) -> str | None:
        """What is not there yet, the cheapest to ask first."""
        for point, deaths in died.items():
            if not self.purser.is_back(point.process, deaths):
                return f"{point.process} after {point}"
        for cancelled, number in orders.items():
            if not await self.stock.is_settled(number, cancelled):
                return f"the {'refund' if cancelled else 'payment'} of {number}"
        for service in SERVICES:
            if await self.evidence.count(service, "SELECT count(*) FROM outbox"):
                return f"the outbox of {service}"
        return await self.tap.waiting_in()

    async def _again(self, point: Failpoint, told_again: Counter[str]) -> int:
        """How often the event at which the process died was published again, for a step of the relay, or delivered
        again by the queue after it had taken effect, for a step of a reaction."""
        end = time.monotonic() + AGAIN_SECONDS
        while True:
            published = self.tap.again[point.event] - told_again[point.event]
            again = published
            if point.is_reaction:
                # It has counted from nothing since it was started again.
                repeated = await self.purser.measured(point.process, "purser_events_repeated_total")
                again = max(0, int(repeated.get(point.subject, 0)) - published)
            if again or time.monotonic() > end:
                return again
            await asyncio.sleep(0.05)

    async def round(self, points: Sequence[Failpoint]) -> str | None:
        """Each of them once, in any order; gives what did not arrive after one, with which it ends."""
        lanes: defaultdict[str, deque[Failpoint]] = defaultdict(deque)
        for point in random.sample(points, len(points)):
            lanes[point.process].append(point)
        missed: Counter[Failpoint] = Counter()
        while struck := [lane.popleft() for lane in lanes.values() if lane]:
            try:
                again = await self.strike(struck)
            except Unsettled as what:
                return str(what)
            missed.update(again)
            for point in again:
                if missed[point] < TRIES:
                    lanes[point.process].append(point)
        return None


def _is_disarmed(file: Path) -> bool:
    """Whether nobody had come there until now."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True


async def run(points: Sequence[Failpoint], times: int, folder: Path) -> PointsRun:
    history, begun = History(folder / "history.jsonl"), time.monotonic()
    try:
        async with (
            private_purser(folder) as purser,
            working(purser, history) as clients,
            kept_open(browsers := browsers_of(clients)),
            evidence_of(purser, history.operations, browsers) as evidence,
            tapped(purser) as tap,
        ):
            stock = Stock(purser, clients, evidence)
            each = EachPoint(purser, evidence, stock, tap)
            await stock.deposit(2 * PRICE_MINOR * (len(points) + len(PAYMENT)) * times * TRIES)
            for turn in range(times):
                unsettled = await each.round(points)
                await quiet(purser, evidence)
                evidence.never_arrived = unsettled or evidence.never_arrived
                verdicts = await judge(evidence, INVARIANTS)
                say(f"  round {turn + 1} of {times}: {time.monotonic() - begun:.0f} s")
                if broken(verdicts):
                    break
    finally:
        history.close()
    found, seconds = hits(folder), time.monotonic() - begun
    return PointsRun(times, {point: found[point] for point in points}, each.delivered_again, verdicts, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.each_point", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="how often at each")
    parser.add_argument("--only", default="", help="those whose step, subject or process contains this")
    parser.add_argument("--report", type=Path, default=None, help="write the run down here, as Markdown")
    given = parser.parse_args()
    points = [point for point in POINTS if given.only in str(point)]
    folder = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}-points"
    folder.mkdir(parents=True)
    try:
        finished = asyncio.run(run(points, given.times, folder))
    finally:
        clear_away(folder)
    for line in (*wrong(finished), headline(finished)):
        say(line)
    if given.report:
        write_report(finished, given.report)
    return 1 if wrong(finished) else 0


if __name__ == "__main__":
    sys.exit(main())
