"""A service asked with whatever one likes, as if the gateway had let it pass."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import auth
from shared.auth import Caller
from shared.contracts.http.together import ALL
from tests.installation import Installation

FOR_MANY = {kind.path for kind in ALL}


class Signed:
    """A service's API before which the gateway stands, and signs for whatever is asked."""

    def __init__(self, app: ASGIApp, installation: Installation, service: str, caller: Caller) -> None:
        self.app, self.installation, self.service, self.caller = app, installation, service, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            received = await _whole(receive)
            headers = dict(scope["headers"])
            signed = auth.sign(
                self.installation.key,
                self.caller,
                auth.for_many(self.service) if scope["path"] in FOR_MANY else self.service,
                scope["method"],
                scope["path"],
                query=scope["query_string"].decode("latin-1"),
                idempotency_key=headers.get(b"idempotency-key", b"").decode("latin-1"),
                body=b"".join(message.get("body", b"") for message in received),
            )
            scope["headers"] = [*scope["headers"], (b"authorization", f"Bearer {signed}".encode())]
            waiting = iter(received)

            async def receive_again() -> Message:
                return next(waiting, None) or await receive()

            await self.app(scope, receive_again, send)
        else:
            await self.app(scope, receive, send)


async def _whole(receive: Receive) -> list[Message]:
    received = [await receive()]
    while received[-1].get("more_body"):
        received.append(await receive())
    return received
