"""Open browsers: each keeps a live stream, and of everything it is told the newest version."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

# The gateway gives a sign of life every 15 s.
SILENCE_SECONDS = 40.0

Thing = tuple[str, str]
"""What is shown: its kind and its id."""
Shown = tuple[int, tuple[Any, ...]]
"""A version and its figures."""


class Browser:
    """One tab of a customer, or of staff."""

    def __init__(self, http: aiohttp.ClientSession, token: str, login: str, customer_id: str | None = None) -> None:
        self.http, self.login, self.customer_id = http, login, customer_id
        self.base = "/api/portal" if customer_id else "/api/admin"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.shown: dict[Thing, Shown] = {}
        self.began_anew = self.resumed = 0
        self._last_id = ""

    async def keep_open(self) -> None:
        """Read the stream for ever; come back where it ends, as an EventSource does."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS, sock_connect=5)
        while True:
            headers = self.headers | ({"Last-Event-ID": self._last_id} if self._last_id else {})
            try:
                async with self.http.get(f"{self.base}/live", headers=headers, timeout=timeout) as answer:
                    if answer.status == 200:
                        await self._read(answer)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.5)

    async def _read(self, answer: aiohttp.ClientResponse) -> None:
        begun = False
        async for event, last_id, data in _events(answer.content):
            if not begun:
                begun = True
                self.resumed += event != "snapshot"
            if event == "snapshot":
                await self._begin_anew(data)
            else:
                self._take(self._figures(event, data))
            # What has been taken up is not asked for again.
            self._last_id = last_id

    async def _begin_anew(self, snapshot: dict[str, Any]) -> None:
        """Forget everything, and ask for what the snapshot could not tell, as the sites do."""
        self.began_anew += 1
        self.shown.clear()
        if self.customer_id is None:
            counts = snapshot.get("shop_counts") or await self._insist("/ticket-counts")
            self._take([(("shop", ""), (counts["version"], (counts["new"],)))])
            return
        balance = snapshot.get("balance") or await self._insist("/balance")
        self._take(self._figures("balance_changed", balance))
        counts = snapshot.get("ticket_counts") or await self._insist("/ticket-counts")
        self._take(self._figures("ticket_counts_changed", counts))
        orders = snapshot.get("orders")
        if orders is None:
            orders = (await self._insist("/orders?limit=100"))["items"]
        for order in orders:
            self._take(self._figures("order_changed", order))

    def _figures(self, event: str, data: dict[str, Any]) -> Iterable[tuple[Thing, Shown]]:
        version = data.get("version", 0)
        match event:
            case "balance_changed":
                yield ("balance", data["customer_id"]), (version, (data["balance_minor"], data["held_minor"]))
            case "ticket_counts_changed":
                yield ("counts", data["customer_id"]), (version, (data["new"], data["total"], data["answered"]))
                if self.customer_id is None:
                    yield ("shop", ""), (data["shop_version"], (data["shop_new"],))
            case "order_changed":
                yield ("order", data["number"]), (version, (data["status"],))
            case "ticket_changed":
                yield ("ticket", data["ticket_id"]), (version, (data["status"], data["new"], data["answered"]))

    def _take(self, figures: Iterable[tuple[Thing, Shown]]) -> None:
        for thing, shown in figures:
            known = self.shown.get(thing)
            if known is None or shown[0] >= known[0]:
                self.shown[thing] = shown

    async def _insist(self, path: str) -> Any:
        while True:
            try:
                async with self.http.get(self.base + path, headers=self.headers) as answer:
                    if answer.status == 200:
                        return await answer.json()
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.5)


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Event, id and data of each that is told."""
    event, last_id, data = "", "", ""
    async for line in content:
        name, _, value = line.decode().rstrip("\n").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "id":
            last_id = value
        elif name == "data":
            data += value
        elif not name and not value and data:
            yield event, last_id, json.loads(data)
            event, data = "", ""


@asynccontextmanager
async def kept_open(browsers: Iterable[Browser]) -> AsyncIterator[None]:
    """Read them all for as long as the block lasts."""
    tasks = [asyncio.create_task(browser.keep_open()) for browser in browsers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
