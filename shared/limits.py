"""How much a request may bring, and that it is no more than it looks. FastAPI has the same limit, but answers it as
plain text; ours is a problem."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Stops reading a body that is larger than `most_bytes`, or says that it is, and one that must be unpacked."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self.app, self.most_bytes = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        packed = headers.get("content-encoding", "identity") != "identity"
        too_large = declared.isdecimal() and (len(declared) > 18 or int(declared) > self.most_bytes)
        read_bytes = 0

        async def receive_within_limit() -> Message:
            nonlocal read_bytes
            if packed:
                raise HTTPException(415)
            message = {} if too_large else await receive()
            read_bytes += len(message.get("body", b""))
            if too_large or read_bytes > self.most_bytes:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_within_limit, send)
