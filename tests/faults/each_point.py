"""`python -m tests.faults.each_point`: a process dies at each failpoint in turn, several times, and all is judged."""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from deploy.local.keeper import START_SECONDS
from tests.faults.__main__ import RESULTS, say, working
from tests.faults.clients import Clients
from tests.faults.history import History, Operation, Outcome
from tests.faults.invariants import INVARIANTS
from tests.faults.judge import Evidence, Verdict, judge
from tests.faults.points import PAYMENT, POINTS, Failpoint, hits
from tests.faults.quiet import WORKERS, evidence_of, quiet
from tests.faults.report import broken, losses
from tests.faults.system import PrivatePurser, clear_away, private_purser

STOCK = 12
PRICE_MINOR = 100
TRIES = 10
# Published and not archived, or taken effect and not acknowledged: what is done again must be delivered again.
REPEATING = ("before_confirm", "after_confirm", "before_ack")
UNSETTLED = """
    SELECT count(*) FROM orders WHERE number = {number} AND (status, paid_minor) <> ('{status}', {paid_minor})
"""


class EachPoint:
    """Orders that are paid, or paid and cancelled, one at a time, while a process dies of it."""

    def __init__(self, purser: PrivatePurser, clients: Clients, evidence: Evidence) -> None:
        self.purser, self.clients, self.evidence = purser, clients, evidence
        self.delivered_again: Counter[Failpoint] = Counter()
        self._stock: dict[bool, list[str]] = {True: [], False: []}

    async def strike(self, point: Failpoint) -> bool:
        """Whether the process has died there; a wait for an answer may be over sooner, and is tried again."""
        armed = point.armed(self.purser.home.folder)
        is_payment = point in PAYMENT
        for _ in range(TRIES):
            number = await self._order(is_payment)
            before, deaths = await self._repeats(), self._deaths()
            armed.touch()
            await (self._pay(number) if is_payment else self._cancel(number))
            await self._settled(number, *(("paid", PRICE_MINOR) if is_payment else ("cancelled", 0)))
            died = {worker for worker in WORKERS if self._deaths()[worker] != deaths[worker]}
            after = await self._repeats()
            # Who died has begun to count anew.
            for worker in WORKERS:
                self.delivered_again[point] += int(after[worker] - (0 if worker in died else before[worker]))
            if not armed.exists():
                return True
        armed.unlink(missing_ok=True)
        return False

    async def _order(self, is_unpaid: bool) -> str:
        """One to pay, or one that is paid."""
        stock = self._stock[is_unpaid]
        if not stock:
            numbers = await asyncio.gather(*(self._place() for _ in range(STOCK)))
            await quiet(self.purser, self.evidence)
            if not is_unpaid:
                await asyncio.gather(*map(self._pay, numbers))
                await quiet(self.purser, self.evidence)
            stock += numbers
        return stock.pop()

    async def _place(self) -> str:
        item = {"sku": "S", "title": "Thing", "quantity": 1, "unit_price_minor": PRICE_MINOR}
        body = {"currency": "USD", "delivery_minor": 0, "shipping_address": "Here", "items": [item]}
        operation = await self._done("place", self.clients.customers[0].login, "/api/portal/orders", body)
        return str(operation.answer["number"])

    async def _pay(self, number: str) -> None:
        await self._done("pay", self.clients.customers[0].login, f"/api/portal/orders/{number}/payments", {})

    async def _cancel(self, number: str) -> None:
        await self._done("cancel", "operator", f"/api/admin/orders/{number}/cancellation", {"reason": "changed plans"})

    async def deposit(self, amount_minor: int) -> None:
        path = f"/api/admin/customers/{self.clients.customers[0].id}/deposits"
        await self._done("deposit", "financier", path, {"amount_minor": amount_minor, "currency": "USD"})

    async def _done(self, kind: str, login: str, path: str, body: dict[str, object]) -> Operation:
        operation = self.clients.history.invoke(kind, login, "POST", path, body)
        await self.clients.perform(operation)
        assert operation.outcome is Outcome.OK, operation
        return operation

    async def _settled(self, number: str, status: str, paid_minor: int) -> None:
        """Wait, with a limit, until the order is as it must be, and nothing is on its way."""
        query = UNSETTLED.format(number=int(number.removeprefix("ORD-")), status=status, paid_minor=paid_minor)
        end = time.monotonic() + START_SECONDS
        while await self.evidence.count("orders", query) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await quiet(self.purser, self.evidence)

    def _deaths(self) -> dict[str, int]:
        return {worker: self.purser.keeper.state.processes[f"{worker}-worker"].deaths for worker in WORKERS}

    async def _repeats(self) -> dict[str, float]:
        """How many deliveries had taken effect before, in the life of each worker."""
        found = {}
        async with aiohttp.ClientSession() as http:
            for worker in WORKERS:
                async with http.get(f"{self.purser.system.programs.url(f'{worker}-worker')}/metrics") as answer:
                    lines = (await answer.text()).splitlines()
                found[worker] = sum(
                    float(line.split()[-1]) for line in lines if line.startswith("purser_events_repeated_total{")
                )
        return found


async def run(points: Sequence[Failpoint], times: int, folder: Path) -> int:
    history, begun = History(folder / "history.jsonl"), time.monotonic()
    async with (
        private_purser(folder) as purser,
        working(purser, history) as clients,
        evidence_of(purser, history.operations, ()) as evidence,
    ):
        each = EachPoint(purser, clients, evidence)
        await each.deposit(PRICE_MINOR * (len(points) * times * TRIES + 2 * STOCK))
        for turn in range(times):
            for point in random.sample(points, len(points)):
                await each.strike(point)
            say(f"  round {turn + 1} of {times}: {time.monotonic() - begun:.0f} s")
        await quiet(purser, evidence)
        verdicts = await judge(evidence, INVARIANTS)
    history.close()
    return _told(points, times, hits(folder), each.delivered_again, verdicts)


def _told(
    points: Sequence[Failpoint],
    times: int,
    found: Counter[Failpoint],
    again: Counter[Failpoint],
    verdicts: Sequence[Verdict],
) -> int:
    """The table, what is wrong, and the line; the exit status."""
    wrong = broken(verdicts)
    for point in points:
        say(f"{point.process:15} {point.step:15} {point.subject:38} {found[point]:4} hits {again[point]:4} again")
        if found[point] < times:
            wrong.append(f"reached too seldom: {point}")
        if point.step in REPEATING and not again[point]:
            wrong.append(f"nothing was delivered again: {point}")
    figures = ", ".join(f"{what} {count}" for what, count in losses(verdicts).items())
    for line in wrong:
        say(line)
    say(f"failpoints: {len(points)} points x {times} = {sum(found[point] for point in points)} hits; {figures}")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.each_point", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="how often at each")
    parser.add_argument("--only", default="", help="those whose step, subject or process contains this")
    given = parser.parse_args()
    points = [point for point in POINTS if given.only in str(point)]
    folder = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}-points"
    folder.mkdir(parents=True)
    try:
        return asyncio.run(run(points, given.times, folder))
    finally:
        clear_away(folder)


if __name__ == "__main__":
    sys.exit(main())
