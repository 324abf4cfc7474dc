"""A service's running copies: whom to ask first, and who was silent lately."""

import asyncio
import socket
from contextlib import suppress
from itertools import count

import aiohttp
import structlog
from yarl import URL

LOOK_SECONDS = 1.0
MOST_TRIES = 3

log = structlog.get_logger()


class Replicas:
    """Those of one service: one URL or several, comma between them; behind each name all its hosts."""

    def __init__(self, service: str, urls: str) -> None:
        self.service = service
        self._told = [URL(url.strip()).origin() for url in urls.split(",")]
        self._addresses = [str(url) for url in self._told]
        self._silent: set[str] = set()
        self._turn = count()

    def in_turn(self) -> list[str]:
        """Whom one request tries, one after the other: each comes first in its turn, who was silent comes last."""
        begin = next(self._turn) % len(self._addresses)
        order = self._addresses[begin:] + self._addresses[:begin]
        order.sort(key=self._silent.__contains__)
        # Where there are few, the first once more: the usual reason is one connection that broke.
        return [*order, order[0]][:MOST_TRIES]

    def was_silent(self, address: str) -> None:
        """It is asked last until it says again that it is ready."""
        if address not in self._silent:
            log.warning("service not reached", service=self.service, address=address)
            self._silent.add(address)

    async def keep_looking(self, http: aiohttp.ClientSession) -> None:
        """For ever: who is there by now, and is who was silent there again?"""
        while True:
            await self.look(http)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, http: aiohttp.ClientSession) -> None:
        found = [await _hosts(url) for url in self._told]
        self._addresses = list(dict.fromkeys(address for addresses in found for address in addresses))
        self._silent.intersection_update(self._addresses)
        await asyncio.gather(*(self._ask_again(http, address) for address in list(self._silent)))

    async def _ask_again(self, http: aiohttp.ClientSession, address: str) -> None:
        with suppress(aiohttp.ClientError, TimeoutError):
            timeout = aiohttp.ClientTimeout(total=LOOK_SECONDS)
            async with http.get(f"{address}/readyz", timeout=timeout) as answer:
                if answer.status == 200:
                    self._silent.discard(address)


async def _hosts(url: URL) -> list[str]:
    """Every host of this name now, by its address; the name itself where a certificate names it, or nobody is known."""
    if url.scheme == "https":
        return [str(url)]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError:
        return [str(url)]
    # One host may have an address of either family: it is one replica.
    family = found[0][0]
    return sorted({str(url.with_host(str(address[0]))) for kind, *_, address in found if kind is family})
