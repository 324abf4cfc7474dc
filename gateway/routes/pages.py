"""The two sites as the build has left them: the staff's below /admin, the customers' everywhere else."""

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

ASSETS = "/assets/"
NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Purser: not built</title></head>
<body><h1>The sites are not built</h1>
<p>Purser runs, but its two sites have not been built yet. <code>make up</code> builds them, also while Purser runs, and
says why where it cannot (it takes Node 20.19 or newer, or a network to get one). Then reload this page.</p>
<p>The HTTP interface works without them: <a href="/openapi.json">openapi.json</a>.</p>
</body></html>
"""


class NotBuilt(Exception):
    """There are no sites to show yet."""


def serve_sites(app: FastAPI, folder: Path) -> None:
    """Answer every address that nothing else answers by a site's page: the site itself knows what is there.

    A build puts the folder in place while the gateway runs, so whether it is there is looked at for each request.
    """

    async def built() -> None:
        if not (folder / "index.html").is_file():
            raise NotBuilt

    router = APIRouter(dependencies=[Depends(_no_api_address), Depends(built)])
    # Its answers are kept for ever: a page must never be one of them.
    router.frontend("/assets", directory=folder / "assets", fallback=None, check_dir=False)
    router.frontend("/admin", directory=folder / "admin", fallback="index.html", check_dir=False)
    router.frontend("/", directory=folder, fallback="index.html", check_dir=False)
    assert router._frontend_routes is not None
    for frontend in router._frontend_routes.routes:
        # A request that is not to read is not asked `built`, and would find out that there is no folder: a 500.
        frontend.app.config_checked = True
    app.include_router(router)
    app.add_exception_handler(NotBuilt, _say_not_built)


async def _no_api_address(request: Request) -> None:
    """A program that asks for what is not there is told so, also by a browser."""
    if request.url.path.startswith("/api/"):
        raise HTTPException(404)


async def _say_not_built(request: Request, _: Exception) -> Response:
    return HTMLResponse(NOT_BUILT, 503)


class CompressedAssets:
    """Sends the sites' scripts and styles compressed; answers of the interface are small, and streams must not wait."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain = app
        self.compressed = GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asset = scope["type"] == "http" and scope["path"].startswith(ASSETS)
        await (self.compressed if is_asset else self.plain)(scope, receive, send)
