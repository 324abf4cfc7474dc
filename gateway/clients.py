"""The services behind the gateway, asked on behalf of whoever asks the gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Response
from prometheus_client import Counter
from pydantic import BaseModel
from yarl import URL

from gateway.replicas import Replicas
from gateway.settings import ReconcileSettings
from shared import tracing
from shared.auth import Caller, for_many, private_key, sign
from shared.correlation import HEADER
from shared.errors import NotFound, Unavailable
from shared.telemetry import current_id

ANSWER_SECONDS = 5.0
CONNECT_SECONDS = 1.0
# A connection on which nothing was asked for so long is not used again: a service that is told to stop keeps it for
# longer (`shared/connections.py`), so that no request meets its end.
IDLE_SECONDS = 1.0
# A page does not wait longer than this for one of its parts.
PART_SECONDS = 2.0

log = structlog.get_logger()
unavailable_total = Counter("purser_service_unavailable_total", "Requests a service did not answer", ["service"])
T = TypeVar("T")
V = TypeVar("V", bound=BaseModel)


class Link:
    """The connections to the services, kept open, and the key by which they believe the gateway."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.key = key
        self.http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )


@dataclass(frozen=True)
class Service:
    """One service, asked on behalf of `caller`."""

    name: str
    replicas: Replicas
    link: Link
    caller: Caller

    async def ask(
        self, method: str, path: str, body: BaseModel | None = None, *, query: BaseModel | None = None, key: str = ""
    ) -> Response:
        """The service's answer, whatever it is, ready to be passed on. Refuses `Unavailable` where there is none.

        Only what the client has sent goes on (`exclude_unset`), so that the service's own defaults hold.
        """
        data = b"" if body is None else body.model_dump_json(exclude_unset=True).encode()
        may_be_sent_twice = method == "GET" or bool(key)
        return await self._ask(self.name, method, path, _query(query), key, data, may_be_sent_twice)

    async def ask_for_many(self, path: str, data: bytes) -> Response:
        """The same for many, whom `data` names, each with a key of their own (`gateway/together.py`)."""
        return await self._ask(for_many(self.name), "POST", path, "", "", data, may_be_sent_twice=True)

    async def _ask(
        self, audience: str, method: str, path: str, query: str, key: str, data: bytes, may_be_sent_twice: bool
    ) -> Response:
        word = sign(self.link.key, self.caller, audience, method, path, query=query, idempotency_key=key, body=data)
        headers = {"Authorization": f"Bearer {word}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        if correlation_id := current_id():
            headers[HEADER] = correlation_id
        target = f"{path}?{query}" if query else path
        with tracing.asking(self.name, method, headers) as span:
            answer = await self._send(method, target, data, headers, may_be_sent_twice)
            tracing.told(span, answer.status_code)
        if answer.status_code == 401:
            # Whoever asks has been recognised here: it is the gateway that the service does not believe.
            log.error("the service does not accept the gateway's key", service=self.name)
            raise self.unavailable()
        return answer

    async def read(self, view: type[V], path: str, *, query: BaseModel | None = None) -> V:
        """What the service knows; refuses `NotFound` where it says so, and `Unavailable` whatever else it says."""
        return self.understood(view, path, await self.ask("GET", path, query=query))

    def understood(self, view: type[V], path: str, answer: Response) -> V:
        """The same of an answer that is there."""
        if answer.status_code == 404:
            raise NotFound("There is no such thing.")
        if answer.status_code != 200:
            log.warning("unexpected answer", service=self.name, path=path, status=answer.status_code)
            raise self.unavailable()
        return parse(view, answer)

    async def part(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the service adds to a page, or None where it is down, slow, or does not know what it should.

        It is asked in here, and not before: whoever asks may have gone meanwhile.
        """
        try:
            async with asyncio.timeout(PART_SECONDS):
                return await ask()
        except TimeoutError:
            log.warning("service too slow for a page", service=self.name)
        except (NotFound, Unavailable):
            pass
        return None

    async def _send(
        self, method: str, target: str, data: bytes, headers: dict[str, str], may_be_sent_twice: bool
    ) -> Response:
        """Ask one replica after the other until one answers.

        Where no connection came about, nothing has happened. Where one broke, or a replica stops over it, something may
        have: then only what has one effect is sent again.
        """
        too_slow = set[str]()
        for address in self.replicas.in_turn():
            if address in too_slow:
                continue
            url = URL(address + target, encoded=True)
            try:
                async with self.link.http.request(method, url, data=data or None, headers=headers) as answer:
                    body = await answer.read()
                    if answer.status != 503 or not _is_stopping(answer):
                        return _passed_on(answer, body)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                self.replicas.was_silent(address)
                continue
            except TimeoutError:
                too_slow.add(address)
            except aiohttp.ClientError:
                pass
            except asyncio.CancelledError:
                # A page does not wait so long for a part.
                self.replicas.was_silent(address)
                raise
            self.replicas.was_silent(address)
            if not may_be_sent_twice:
                break
        raise self.unavailable()

    def unavailable(self) -> Unavailable:
        """What whoever asks is told where nothing is heard of the service."""
        unavailable_total.labels(self.name).inc()
        return Unavailable(
            f"The part of the shop that does this ({self.name}) cannot be reached. Try again in a moment, "
            "with the same Idempotency-Key: nothing is done twice.",
            service=self.name,
        )


def parse(view: type[V], answer: Response) -> V:
    """What a service has answered, as what it is."""
    return view.model_validate_json(bytes(answer.body))


def _is_stopping(answer: aiohttp.ClientResponse) -> bool:
    """Whether it answers nothing more on this connection."""
    return answer.headers.get("Connection", "").lower() == "close"


def _passed_on(answer: aiohttp.ClientResponse, body: bytes) -> Response:
    headers = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
    return Response(body, answer.status, headers, answer.headers.get("Content-Type"))


def _query(query: BaseModel | None) -> str:
    if query is None:
        return ""
    given = query.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    return urlencode(
        {name: str(value).lower() if value is True else value for name, value in given.items()}, doseq=True
    )


@dataclass(frozen=True)
class Services:
    """All services, asked on behalf of `caller`."""

    caller: Caller
    orders: Service
    billing: Service
    support: Service


class Clients:
    """Makes `Services` for each request, all over the same connections. Begin it inside the event loop; close it."""

    def __init__(self, settings: ReconcileSettings) -> None:
        self._link = Link(private_key(settings.caller_private_key))
        urls = {"orders": settings.orders_url, "billing": settings.billing_url, "support": settings.support_url}
        self._replicas = {name: Replicas(name, told) for name, told in urls.items()}
        self._looking = [
            asyncio.create_task(replicas.keep_looking(self._link.http)) for replicas in self._replicas.values()
        ]

    def on_behalf_of(self, caller: Caller) -> Services:
        return Services(
            caller, **{name: Service(name, replicas, self._link, caller) for name, replicas in self._replicas.items()}
        )

    async def close(self) -> None:
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)
        await self._link.http.close()
