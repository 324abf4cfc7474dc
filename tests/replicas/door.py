"""The way in to several gateways, as a load balancer is: the next one in turn, and another where nobody answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from gateway.clients import IDLE_SECONDS
from gateway.replicas import Replicas
from tests.faults.clients import ANSWER_SECONDS, is_transient


class Door:
    """`failed` is every request to which anybody would say: try again."""

    def __init__(self, http: aiohttp.ClientSession, gateways: Replicas) -> None:
        self.failed: list[str] = []
        self.asked = 0
        self._http, self._gateways = http, gateways

    @asynccontextmanager
    async def request(self, method: str, path: str, **told: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        self.asked += 1
        for address in self._gateways.in_turn():
            with suppress(aiohttp.ClientConnectorError):
                try:
                    answer = await self._http.request(method, address + path, **told)
                except aiohttp.ClientConnectorError:
                    self._gateways.was_silent(address)
                    raise
                except (aiohttp.ClientError, TimeoutError) as error:
                    self.failed.append(f"{method} {path} by {address}: {error!r}")
                    raise
                break
        else:
            self.failed.append(f"{method} {path}: nobody is there")
            raise aiohttp.ClientConnectionError
        async with answer:
            said = await answer.json(content_type=None)
            # An order may be paid once billing has heard of it, which a frozen worker delays.
            if is_transient(answer.status, said) and said.get("code") != "not_known_yet":
                self.failed.append(f"{method} {path} by {address}: {answer.status} {await answer.text()}")
            yield answer

    def post(self, path: str, **told: Any) -> Any:
        return self.request("POST", path, **told)


@asynccontextmanager
async def door_to(*gateways: str) -> AsyncIterator[Door]:
    replicas = Replicas("gateway", ",".join(gateways))
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=1)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        looking = asyncio.create_task(replicas.keep_looking(http))
        yield Door(http, replicas)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
