"""How a JSON body is read: what it says twice, it does not say at all."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class UnambiguousRoute(APIRoute):
    """Refuses a JSON body in which a name stands twice: parsers take one of the two, not all the same one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_unambiguous(request: Request) -> Response:
            return await handle(_UnambiguousRequest(request.scope, request.receive))

        return handle_unambiguous


class _UnambiguousRequest(Request):
    async def json(self) -> Any:
        return json.loads(await self.body(), object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found
