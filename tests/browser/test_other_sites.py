"""A page of somebody else's, open in the browser of a person who is signed in here: it can do nothing in their name.

It lies at another port of the same host, from which the browser sends our cookie along; from another host it would not.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.conftest import Door
from tests.installation import serving
from tests.system import PASSWORD

FORM = """([url, body]) => {
    const form = Object.assign(document.createElement('form'), {method: 'POST', action: url})
    if (body) {
        // As plain text name=value is sent as it stands, and both together are JSON.
        const field = {name: body.slice(0, -1) + ',"x":"', value: '"}'}
        form.enctype = 'text/plain'
        form.append(Object.assign(document.createElement('input'), field))
    }
    document.body.append(form)
    form.submit()
}"""
FETCH = "([url, body]) => void fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include', body})"
LISTEN = "([url]) => void new EventSource(url, {withCredentials: true})"
BY = pytest.mark.parametrize("script", [FORM, FETCH], ids=["form", "fetch"])


@pytest.fixture(scope="module")
async def evil() -> AsyncIterator[str]:
    """The other site's address."""
    page = Route("/", lambda _: HTMLResponse('<title>evil</title><link rel="icon" href="data:,">'))
    async with serving(Starlette(routes=[page])) as url:
        yield url


async def browser_of(door: Door, login: str) -> BrowserContext:
    """Somebody's browser, signed in; what other sites' pages log in it is not ours to watch."""
    context = await door.browser.new_context()
    door.contexts.append(context)
    answer = await context.request.post(f"{door.url}/api/session", data={"login": login, "password": PASSWORD})
    assert answer.ok
    return context


async def tried(context: BrowserContext, evil: str, script: str, url: str, body: str = "") -> int:
    """What the gateway answered when the page tried this with the person's cookie: the page itself never learns it."""
    page = await context.new_page()
    await page.goto(evil)
    spying = await context.new_cdp_session(page)
    await spying.send("Network.enable")
    sent, answered = asyncio.Queue[dict[str, Any]](), asyncio.Queue[dict[str, Any]]()
    spying.on("Network.requestWillBeSentExtraInfo", sent.put_nowait)
    spying.on("Network.responseReceivedExtraInfo", answered.put_nowait)
    await page.evaluate(script, [url, body])
    async with asyncio.timeout(10):
        assert "purser=" in (await sent.get())["headers"]["Cookie"]
        return int((await answered.get())["statusCode"])


@BY
async def test_another_sites_page_cancels_no_order(door: Door, evil: str, script: str) -> None:
    number = await door.system.new_order(await door.system.new_customer(), 600)
    operator = await browser_of(door, "operator")
    cancellation = f"{door.url}/api/admin/orders/{number}/cancellation"
    assert await tried(operator, evil, script, cancellation) == 403
    assert (await door.system.admin.get(f"/orders/{number}"))["status"] == "awaiting_payment"
    assert (await operator.request.post(cancellation)).ok


async def test_another_sites_page_hears_nothing(door: Door, evil: str) -> None:
    customer = await door.system.new_customer()
    browser = await browser_of(door, customer.login)
    assert await tried(browser, evil, LISTEN, f"{door.url}/api/portal/live") == 403


@BY
async def test_another_sites_page_signs_nobody_in_as_somebody_else(door: Door, evil: str, script: str) -> None:
    victim, other = await door.system.new_customer(), await door.system.new_customer()
    browser = await browser_of(door, victim.login)
    body = f'{{"login":"{other.login}","password":"{PASSWORD}"}}'
    assert await tried(browser, evil, script, f"{door.url}/api/session", body) == 403
    who = await browser.request.get(f"{door.url}/api/session")
    assert (await who.json())["login"] == victim.login
