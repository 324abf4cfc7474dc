"""What every answer of the gateway bears, also one that a bug has made."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.problems import HANDLERS

HEADERS = {
    # No script but our own files'. The sites' components set styles on elements, which counts as inline.
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def _kept(path: str, status: int) -> bytes:
    """How long an answer may be kept: a built file, named after its content, for ever; a page until it has changed."""
    if path.startswith("/assets/") and status in (200, 206, 304):
        return b"public, max-age=31536000, immutable"
    return b"no-store" if path.startswith("/api/") else b"no-cache"


class Protection:
    """Adds the headers by which browsers protect their users; says who may keep the answer."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app = app
        headers = {**HEADERS, **({"Strict-Transport-Security": "max-age=31536000"} if secure else {})}
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_protected(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                kept = (b"cache-control", _kept(scope["path"], message["status"]))
                message["headers"] = [*message["headers"], *self.headers, kept]
            await send(message)

        try:
            await self.app(scope, receive, send_protected)
        except Exception as error:
            # Starlette would answer it outside of all middleware, without these headers.
            if begun:
                raise
            answer = await HANDLERS[Exception](Request(scope), error)
            await answer(scope, receive, send_protected)
