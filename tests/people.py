"""People who use Purser, and what their browsers are shown."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2 as httpx

from tests.eventually import eventually
from tests.promise import Promise


@dataclass
class Person:
    """Somebody signed in with a token, who asks the gateway."""

    http: httpx.AsyncClient
    login: str
    base: str
    promise: Promise
    id: str = ""

    async def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or str(uuid4())} if method == "POST" else {}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        answer = await self.http.request(method, self.base + path, content=content, headers=headers)
        self.promise.check(answer)
        return answer

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object, key: str | None = None) -> Any:
        answer = await self.ask("POST", path, body, key)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    @asynccontextmanager
    async def live(self, last_event_id: str = "") -> AsyncIterator["Stream"]:
        """This person's open browser, which comes back when its stream ends, as an EventSource does."""
        stream = Stream(last_id=last_event_id)
        reading = asyncio.create_task(self._keep_reading(stream))
        try:
            yield stream
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _keep_reading(self, stream: "Stream") -> None:
        while True:
            headers = {"Last-Event-ID": stream.last_id} if stream.last_id else {}
            with suppress(httpx.TransportError):
                async with self.http.stream("GET", f"{self.base}/live", headers=headers, timeout=None) as answer:
                    assert answer.status_code == 200, await answer.aread()
                    await stream.read(answer)
            await asyncio.sleep(0.1)


@dataclass
class Stream:
    """What a browser has been shown, as (event, data), newest last."""

    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    last_id: str = ""

    async def read(self, answer: httpx.Response) -> None:
        event, data = "", ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                event = value
            elif name == "id":
                self.last_id = value
            elif name == "data":
                data += value
            elif not line and data:
                # A sign of life, however slow the machine is, is nothing that anybody is shown.
                if event != "beacon":
                    self.seen.append((event, json.loads(data)))
                event, data = "", ""

    async def shows(self, event: str, **facts: object) -> dict[str, Any]:
        """Wait until an event with these facts has come; gives its data."""
        return await self._find(lambda name, data: data if name == event and facts.items() <= data.items() else None)

    async def shows_message(self, ticket_id: str, **facts: object) -> dict[str, Any]:
        """Wait until a message with these facts has come in the conversation; gives the message."""

        def wanted(name: str, data: dict[str, Any]) -> dict[str, Any] | None:
            if name != "message_added" or data["ticket_id"] != ticket_id:
                return None
            message: dict[str, Any] = data["message"]
            return message if facts.items() <= message.items() else None

        return await self._find(wanted)

    async def _find(self, wanted: Callable[[str, dict[str, Any]], dict[str, Any] | None]) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        async def look() -> bool:
            found[:] = [hit for name, data in self.seen if (hit := wanted(name, data)) is not None]
            return bool(found)

        await eventually(look, f"it is on the stream, which shows {self.seen[-5:]}")
        return found[0]
