"""Real browsers before the whole of Purser: Chromium, driven by Playwright, on the sites as the gateway serves them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright, expect

from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.elsewhere import URL
from tests.link import Link, linked
from tests.people import Person
from tests.system import PASSWORD, System

ROOT = Path(__file__).parents[2]
FAILURES = ROOT / "test-results"
DESKTOP = {"width": 1440, "height": 900}
# What a browser logs of an answer that was meant to be a refusal, or of a connection that a test has cut.
EXPECTED = ("Failed to load resource", "net::ERR_")

expect.set_options(timeout=20_000)


@dataclass
class Door:
    """Opens browsers at the gateway's door; `link` is the wire to it."""

    system: System
    browser: Browser
    link: Link
    wrongs: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.link.local_port}"

    async def context(self, **options: Any) -> BrowserContext:
        """A browser with nobody signed in."""
        wanted = {"locale": "en-US", "viewport": DESKTOP, "base_url": self.url, **options}
        context = await self.browser.new_context(**wanted)
        context.on("page", self._watch)
        self.contexts.append(context)
        return context

    async def sign_in(self, login: str | Person, **options: Any) -> BrowserContext:
        """A browser of somebody's, with its session cookie."""
        context = await self.context(**options)
        name = login if isinstance(login, str) else login.login
        answer = await context.request.post("/api/session", data={"login": name, "password": PASSWORD})
        assert answer.status == 200, await answer.text()
        return context

    async def open(self, login: str | Person, path: str, **options: Any) -> Page:
        """Somebody's browser, signed in, showing a page."""
        page = await (await self.sign_in(login, **options)).new_page()
        await page.goto(path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        return page

    async def lose_answer(self, page: Page, where: str, times: int = 1) -> list[int]:
        """The next writes to `where` are done, but their answers never come; gives the statuses that were lost."""
        lost: list[int] = []

        async def lose(route: Route) -> None:
            answer = await route.fetch()
            lost.append(answer.status)
            await route.abort("connectionreset")

        await page.route(where, lose, times=times)
        return lost

    @asynccontextmanager
    async def deaf(self, page: Page) -> AsyncIterator[None]:
        """What the page asks for anew does not come, as if the news were late."""
        await page.route("**/api/**", lambda route: _hold_reads(route))
        yield
        await page.unroute_all(behavior="ignoreErrors")

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.wrongs.append(f"{urlsplit(page.url).path}: {error}"))
        page.on("console", lambda said: self._note(said.type, said.text))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(each in text for each in EXPECTED):
            self.wrongs.append(f"console {kind}: {text}")


async def _hold_reads(route: Route) -> None:
    if route.request.method != "GET":
        await route.continue_()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        path = find_chromium(playwright.chromium.executable_path)
        if path is None:
            pytest.skip("no Chromium here: `make browser` gets one")
        opened = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest.fixture(scope="session")
async def wire(purser: System) -> AsyncIterator[Link]:
    """Between the browsers and the gateway."""
    if not URL and not (ROOT / "web" / "dist" / "index.html").exists():
        pytest.fail("the sites are not built: `deploy/sites` builds them")
    where = urlsplit(purser.url)
    async with linked(where.hostname or "", where.port or 0) as link:
        yield link


@pytest.fixture
async def door(request: pytest.FixtureRequest, purser: System, browser: Browser, wire: Link) -> AsyncIterator[Door]:
    """What a test opens its browsers by. No page may have said that something of its own went wrong."""
    door = Door(purser, browser, wire)
    async with AsyncExitStack() as stack:
        yield door
        for context in door.contexts:
            stack.push_async_callback(context.close)
        if getattr(request.node, "has_failed", False):
            await _keep_pictures(request.node.name, door)
    assert door.wrongs == []


async def _keep_pictures(name: str, door: Door) -> None:
    FAILURES.mkdir(exist_ok=True)
    pages = [page for context in door.contexts for page in context.pages]
    for number, page in enumerate(pages):
        await page.screenshot(path=FAILURES / f"{name}-{number}.png")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    outcome = yield
    if outcome.get_result().failed:
        item.has_failed = True  # type: ignore[attr-defined]
