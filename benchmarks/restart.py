"""A gateway is killed while a thousand customers listen to it, and all their balances change while it is away: how soon
do they all listen again, and see what is so."""

import asyncio
import os
import random
import re
import signal
import time
from contextlib import suppress

from benchmarks import browsers, shop
from benchmarks.report import Table, across
from benchmarks.streams import Listener, allow_many_streams, listener_id, open_for_listeners
from benchmarks.system import Purser

CUSTOMERS = 1_000
ROUNDS = 3
FIRST_SECONDS = 10.0
SHOWN_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 30.0
# Who takes part in it.
PARTS = ("gateway", "orders-api", "billing-api", "support-api", "postgres")

_BALANCE = re.compile(rb'"balance_minor":(\d+)')
_RETRY = re.compile(rb"^retry: (\d+)$", re.MULTILINE)


class Showing(Listener):
    """A stream whose browser shows the newest balance that it was told of."""

    def __init__(self, browser: "Browser") -> None:
        super().__init__(browser.request, None)
        self._browser = browser
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if asked := _RETRY.search(data):
            self._browser.retry_seconds = int(asked[1]) / 1_000
        if found := _BALANCE.findall(data):
            self._browser.balance, self._browser.at = int(found[-1]), time.perf_counter()
        if b'"unavailable":["' in data:
            self._browser.in_part += 1
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


class Browser:
    """Comes back whenever its stream ends, and waits before as the sites do."""

    def __init__(self, port: int, customer: int) -> None:
        self.request = browsers.request("GET", "/api/portal/live", browsers.signed_in(f"token of l{customer}"), b"")
        self.retry_seconds = 1.0
        self.balance, self.at = -1, 0.0
        self.in_part = 0
        self._port, self._failures = port, 0

    async def keep_open(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(random.uniform(0, FIRST_SECONDS))
        while True:
            with suppress(OSError):
                _, stream = await loop.create_connection(lambda: Showing(self), "127.0.0.1", self._port)
                await stream.ended
                self._failures = 0 if stream.begun.done() else self._failures
            wait = min(self.retry_seconds * 1.5**self._failures, LONGEST_WAIT_SECONDS)
            self._failures += 1
            await asyncio.sleep(wait * random.uniform(0.5, 1))


async def run(purser: Purser) -> list[Table]:
    allow_many_streams()
    await shop.open_shop(purser, 1, 1)
    await open_for_listeners(purser)
    shown = [Browser(purser.port, customer) for customer in range(1, CUSTOMERS + 1)]
    keeping = [asyncio.create_task(browser.keep_open()) for browser in shown]
    await _all_show(shown, 0)
    away, seconds, cpu_ms = list[float](), list[list[float]](), list[dict[str, float]]()
    for round_ in range(1, ROUNDS + 1):
        running = purser.keeper.state.processes["gateway"]
        assert running.pid
        os.kill(running.pid, signal.SIGKILL)
        killed = time.perf_counter()
        async with purser.database("billing") as connection:
            whose = [listener_id(customer) for customer in range(1, CUSTOMERS + 1)]
            await connection.execute(
                "UPDATE accounts SET balance_minor = $1, version = version + 1 WHERE id = ANY($2)", round_, whose
            )
        up = await _answers(purser.port)
        away.append(up - killed)
        before = purser.cpu_seconds()
        await _all_show(shown, round_)
        after = purser.cpu_seconds()
        cpu_ms.append({name: 1000 * (after[name] - before[name]) / CUSTOMERS for name in PARTS})
        seconds.append(sorted(browser.at - up for browser in shown))
    for task in keeping:
        task.cancel()
    await asyncio.gather(*keeping, return_exceptions=True)
    return [
        Table(
            f"{CUSTOMERS:,} browsers, {ROUNDS} times",
            {
                "seconds from kill -9 until the gateway answers": across(away),
                "from then until half of them show what is so": across([each[len(each) // 2] for each in seconds]),
                "until 95 % do": across([each[len(each) * 95 // 100] for each in seconds]),
                "until all do": across([each[-1] for each in seconds]),
                "CPU ms for each browser that came back": across([sum(each.values()) for each in cpu_ms]),
                **{f"of it {name}": across([each[name] for each in cpu_ms]) for name in PARTS},
                "beginnings in which a part was missing": across([float(sum(each.in_part for each in shown))], 0),
            },
        )
    ]


async def _answers(port: int) -> float:
    """When the gateway answered again."""
    while True:
        with suppress(OSError):
            connection = await browsers.connect(port)
            status, _ = await connection.ask("GET", "/healthz", {})
            connection.transport.close()
            if status == 200:
                return time.perf_counter()
        await asyncio.sleep(0.01)


async def _all_show(shown: list[Browser], balance: int) -> None:
    async with asyncio.timeout(SHOWN_SECONDS):
        while any(browser.balance != balance for browser in shown):
            await asyncio.sleep(0.05)
