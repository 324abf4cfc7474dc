"""Where the sites will be."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Purser</title></head>
<body><h1>Purser</h1>
<p>The back office of an online shop. This is its HTTP interface; it is described in
<a href="/openapi.json">openapi.json</a>. The admin site and the customer portal are not part of this version yet.</p>
</body></html>
"""


@router.get("/", response_class=HTMLResponse)
@router.get("/admin", response_class=HTMLResponse)
async def sites() -> str:
    return PAGE
