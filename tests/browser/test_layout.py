"""Everything has its place: on a phone, on a tablet, on a desk."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Door
from tests.people import Person

WIDTHS = [360, 768, 1440]
LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4


async def _rich_order(door: Door) -> tuple[Person, str]:
    """Four items in three statuses, a customer with another order, and a ticket."""
    customer = await door.system.new_customer(100_000)
    other = await door.system.new_order(customer, 900)
    number = await door.system.new_order(customer, 500, 123_456, 700, 800, delivery_minor=450)
    await door.system.admin.ask("PATCH", f"/orders/{number}/items/2", {"status": "cancelled"})
    await door.system.admin.ask("PATCH", f"/orders/{number}/items/3", {"unit_price_minor": 750})
    await customer.post("/tickets", {"subject": LONG, "text": LONG, "order_number": other})
    await door.system.settled(number)
    return customer, number


async def _is_wide(page: Page) -> bool:
    return bool(await page.evaluate("document.scrollingElement.scrollWidth > innerWidth"))


@pytest.mark.parametrize("width", WIDTHS)
async def test_no_page_scrolls_sideways(door: Door, width: int) -> None:
    customer, number = await _rich_order(door)
    large = {"amount_minor": 100_001, "currency": "USD", "note": LONG, "staff_note": LONG}
    await door.system.admin.post(f"/customers/{customer.id}/deposits", large)
    await door.system.admin.ask("POST", f"/customers/{customer.id}/withdrawals", large)
    view = {"viewport": {"width": width, "height": 800}, "locale": "ru-RU"}
    staff = await (await door.sign_in("admin", **view)).new_page()
    portal = await (await door.sign_in(customer, **view)).new_page()
    [ticket] = (await customer.get("/tickets"))["items"]
    wide = []
    pages = [
        (staff, "/admin/orders"),
        (staff, f"/admin/orders/{number}"),
        (staff, "/admin/customers"),
        (staff, f"/admin/customers/{customer.id}"),
        (staff, "/admin/tickets"),
        (staff, f"/admin/tickets/{ticket['id']}"),
        (staff, "/admin/withdrawals?show=all"),
        (staff, "/admin/staff"),
        (portal, "/"),
        (portal, f"/orders/{number}"),
        (portal, "/balance"),
        (portal, "/tickets"),
        (portal, f"/tickets/{ticket['id']}"),
    ]
    for page, path in pages:
        await page.goto(path)
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
        if await _is_wide(page):
            wide.append(path)
    assert wide == []


async def test_the_order_page_shows_what_staff_need_without_scrolling(door: Door) -> None:
    customer, number = await _rich_order(door)
    page = await door.open("financier", f"/admin/orders/{number}")
    await expect(page.get_by_role("button", name="Chat").locator(".oval.new")).to_contain_text("1")
    facts = {
        "Placed": r"^\d\d\.\d\d\.\d{4} \d\d:\d\d$",
        "Subtotal": r"^\$20\.50$",
        "Paid": r"^\$0\.00$",
        "Remaining": r"^\$25\.00$",
        "Login": f"^{customer.login}$",
        "Phone": r"^\+1 555 0100$",
        "E-mail": f"^{customer.login}@example.org$",
        "Address": "^1 Main Street$",
        "Balance": r"^\$1,000\.00$",
        "Other active orders": "^ORD-",
    }
    seen: dict[str, Any] = await page.evaluate("""() => Object.fromEntries(
        [...document.querySelectorAll('dt')].map(dt => [dt.textContent, {
            text: dt.nextElementSibling.textContent.trim(),
            bottom: dt.nextElementSibling.getBoundingClientRect().bottom,
            isRight: dt.nextElementSibling.getBoundingClientRect().left >= dt.getBoundingClientRect().left,
        }]))""")
    counts = {name: seen[name]["text"] for name in ("Awaiting payment", "Price confirmation", "Cancelled")}
    assert counts == {"Awaiting payment": "2", "Price confirmation": "1", "Cancelled": "1"}
    for name, form in facts.items():
        assert re.search(form, seen[name]["text"]), f"{name}: {seen[name]['text']}"
    assert {name for name, fact in seen.items() if fact["bottom"] > 900 or not fact["isRight"]} == set()
    for part in (
        page.locator(".status.pill"),
        page.get_by_role("button", name="Chat"),
        page.locator("tr[data-line='4']"),
    ):
        box = await part.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900


async def test_nothing_jumps_when_the_data_come(door: Door) -> None:
    _, number = await _rich_order(door)
    page = await (await door.sign_in("financier")).new_page()
    await page.add_init_script("""
        window.moved = 0
        new PerformanceObserver(list => {
            for (const shift of list.getEntries()) window.moved += shift.value
        }).observe({type: 'layout-shift', buffered: true})
    """)
    await page.goto(f"/admin/orders/{number}")
    await expect(page.locator("tr[data-line='4']")).to_be_visible()
    await expect(page.locator(".acts")).to_be_visible()
    assert await page.evaluate("window.moved") < 0.05


async def test_words_in_buttons_and_statuses_are_not_cut_off(door: Door) -> None:
    customer, number = await _rich_order(door)
    view = {"viewport": {"width": 360, "height": 740}, "locale": "ru-RU"}
    for login, path in (("admin", f"/admin/orders/{number}"), (customer, f"/orders/{number}")):
        page = await door.open(login, path, **view)
        await expect(page.locator("tr[data-line='4']")).to_be_visible()
        cut = await page.evaluate("""() => [...document.querySelectorAll('main button, main .status')]
            .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)""")
        assert cut == []
