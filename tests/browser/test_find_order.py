"""Staff find an order, and send its address to a colleague."""

import re
from urllib.parse import urlencode

from playwright.async_api import Page, expect

from tests.browser.conftest import Door


async def test_staff_sign_in_and_see_the_page_they_came_for(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    page = await (await door.context()).new_page()
    await page.goto(f"/admin/orders/{number}")
    await page.get_by_label("Login").fill("operator")
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("There is no such login with this password.")
    await page.get_by_label("Password", exact=True).fill("correct horse battery staple")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(number)
    assert page.url.endswith(f"/admin/orders/{number}")


async def test_an_order_is_found_by_its_last_digits_its_customers_name_and_e_mail(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    page = await door.open("operator", "/admin/orders")
    for words in (number.lstrip("ORD-0"), f"Customer {customer.login}", f"{customer.login}@example.org"):
        await page.get_by_label("Search orders").fill(words)
        await expect(page).to_have_url(re.compile(re.escape(f"?{urlencode({'q': words})}")))
        await expect(_row(page, number)).to_be_visible()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await _row(page, number).get_by_role("link", name=number).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(number)
    await page.go_back()
    await expect(page.get_by_label("Search orders")).to_have_value(f"{customer.login}@example.org")


async def test_orders_are_filtered_by_status_and_one_that_changes_shows_it_at_once(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    page = await door.open("operator", f"/admin/orders?q={customer.login}")
    await page.get_by_label("Status").select_option(label="Paid")
    await expect(page.get_by_text("No order matches.")).to_be_visible()
    await customer.post(f"/orders/{number}/payments", {})
    await expect(_row(page, number)).to_contain_text("Paid")


async def test_a_number_that_is_nobodys_says_so(door: Door) -> None:
    page = await (await door.sign_in("operator")).new_page()
    await page.goto("/admin/orders/ORD-0999999999")
    await expect(page.get_by_role("alert")).to_contain_text("There is no order ORD-0999999999.")
    await page.goto("/admin/nowhere")
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


def _row(page: Page, number: str):  # type: ignore[no-untyped-def]
    return page.locator("tr", has_text=number)
