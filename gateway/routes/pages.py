"""The two sites as the build has left them: the staff's below /admin, the customers' everywhere else."""

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

ASSETS = "/assets/"
NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Purser: not built</title></head>
<body><h1>The sites are not built</h1>
<p>Purser runs, but its two sites have not been built yet. <code>make up</code> builds them, and says why where it
cannot; they are there after the next start.</p>
<p>The HTTP interface works without them: <a href="/openapi.json">openapi.json</a>.</p>
</body></html>
"""


def serve_sites(app: FastAPI, folder: Path) -> None:
    """Answer every address that nothing else answers by a site's page: the site itself knows what is there."""
    if not (folder / "index.html").is_file():
        app.include_router(_not_built())
        return
    router = APIRouter(dependencies=[Depends(_no_api_address)])
    router.frontend("/admin", directory=folder / "admin", fallback="index.html")
    router.frontend("/", directory=folder, fallback="index.html")
    app.include_router(router)


async def _no_api_address(request: Request) -> None:
    """A program that asks for what is not there is told so, also by a browser."""
    if request.url.path.startswith("/api/"):
        raise HTTPException(404)


def _not_built() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_class=HTMLResponse)
    @router.get("/admin", response_class=HTMLResponse)
    @router.get("/admin/{rest:path}", response_class=HTMLResponse)
    async def not_built() -> HTMLResponse:
        return HTMLResponse(NOT_BUILT, 503)

    return router


class CompressedAssets:
    """Sends the sites' scripts and styles compressed; answers of the interface are small, and streams must not wait."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain = app
        self.compressed = GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asset = scope["type"] == "http" and scope["path"].startswith(ASSETS)
        await (self.compressed if is_asset else self.plain)(scope, receive, send)
