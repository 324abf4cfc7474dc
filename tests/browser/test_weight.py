"""What a page costs: bytes, requests, memory."""

import pytest
from playwright.async_api import CDPSession, Page, Request, expect

from tests.browser.conftest import Door

MOST_SCRIPT_BYTES = 250_000
MOST_GROWTH_BYTES = 3_000_000


@pytest.mark.parametrize("path", ["/", "/admin/orders"])
async def test_a_first_visit_loads_less_than_250_kb_of_script(door: Door, path: str) -> None:
    login = "operator" if path.startswith("/admin") else await door.system.new_customer()
    page = await (await door.sign_in(login)).new_page()
    scripts: list[Request] = []
    page.on("requestfinished", lambda request: scripts.append(request) if request.url.endswith(".js") else None)
    await page.goto(path)
    await expect(page.locator("h1")).to_be_visible()
    await page.wait_for_load_state("networkidle", timeout=5_000) if not scripts else None
    sizes = [(await script.sizes())["responseBodySize"] for script in scripts]
    assert 50_000 < sum(sizes) < MOST_SCRIPT_BYTES


async def test_the_order_page_shows_its_data_within_two_requests(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    page = await (await door.sign_in("operator")).new_page()
    needed: set[str] = set()
    # Everything but these two waits for ever. (Once the live stream is open, they are asked for again.)
    allowed = ("/api/session", f"/api/admin/orders/{number}")

    async def hold(route: object) -> None:
        url = route.request.url  # type: ignore[attr-defined]
        if url.endswith(allowed):
            needed.add(url)
            await route.continue_()  # type: ignore[attr-defined]

    await page.route("**/api/**", hold)
    await page.goto(f"/admin/orders/{number}")
    await expect(page.locator("tr[data-line='1']")).to_contain_text("$5.00")
    await expect(page.get_by_role("button", name="Chat")).to_be_visible()
    assert len(needed) == 2
    await page.unroute_all(behavior="ignoreErrors")


async def _heap(page: Page, devtools: CDPSession) -> tuple[int, int]:
    """Bytes that are reachable, and nodes in the document."""
    await devtools.send("HeapProfiler.collectGarbage")
    usage = await devtools.send("Runtime.getHeapUsage")
    return int(usage["usedSize"]), int(await page.evaluate("document.querySelectorAll('*').length"))


async def test_a_page_open_under_constant_news_keeps_its_memory(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    devtools = await page.context.new_cdp_session(page)
    heard: list[str] = []
    page.on("response", lambda answer: heard.append(answer.url))

    async def happen(times: int, up_to: int) -> None:
        for _ in range(times):
            money = {"amount_minor": 1, "currency": "USD"}
            last = await door.system.admin.post(f"/customers/{customer.id}/deposits", money)
        shown = f"${last['balance_minor'] / 100:.2f}"
        await expect(page.locator(".facts").get_by_text(shown, exact=True)).to_be_visible()
        assert last["balance_minor"] == 500 + up_to

    await happen(150, 150)
    bytes_before, nodes_before = await _heap(page, devtools)
    await happen(450, 600)
    bytes_after, nodes_after = await _heap(page, devtools)
    # At most once a second, so how often depends on how quick the machine is.
    assert len([url for url in heard if url.endswith(number)]) > 2
    assert bytes_after - bytes_before < MOST_GROWTH_BYTES
    assert abs(nodes_after - nodes_before) < 10
