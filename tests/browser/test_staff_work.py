"""What else staff do: change items, cancel, look at customers, make logins."""

import re
from uuid import uuid4

from playwright.async_api import Page, expect

from tests.browser.conftest import Door


async def _change(page: Page, line: int, entry: str) -> None:
    await page.get_by_role("button", name=f"Change item {line}").click()
    await page.get_by_role("menuitem", name=entry).click()


async def test_an_items_status_price_and_quantity_are_changed_and_the_customer_sees_it(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500, 700)
    portal = await door.open(customer, f"/orders/{number}")
    page = await door.open("operator", f"/admin/orders/{number}")
    await _change(page, 1, "Change the quantity")
    await page.get_by_label("Quantity").fill("3")
    await page.get_by_role("button", name="Save").click()
    await expect(portal.locator("tr[data-line='1']")).to_contain_text("$15.00")
    await _change(page, 1, "Change the price")
    await page.get_by_label("Price").fill("4.50")
    await page.keyboard.press("Enter")
    await expect(portal.locator("tr[data-line='1']")).to_contain_text("$13.50")
    await _change(page, 2, "Set to: Unable to deliver")
    await page.get_by_role("button", name="Save").click()
    for each in (page, portal):
        await expect(each.locator("tr[data-line='2'] .status")).to_have_text("Unable to deliver")
    await expect(page.get_by_text("Total", exact=True).locator("xpath=following-sibling::dd[1]")).to_have_text("$13.50")
    await expect(page.locator(".acts li")).to_have_count(4)


async def test_a_bad_price_or_quantity_is_caught_where_it_is_typed(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    page = await door.open("operator", f"/admin/orders/{number}")
    await _change(page, 1, "Change the price")
    await page.get_by_label("Price").fill("cheap")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Type an amount")).to_be_visible()
    # Above what the server takes: its word stands at the field.
    await page.get_by_label("Price").fill("99999999999")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("less than or equal to")).to_be_visible()
    await page.keyboard.press("Escape")
    await _change(page, 1, "Change the quantity")
    await page.get_by_label("Quantity").fill("1.5")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Type a whole number")).to_be_visible()


async def test_an_order_is_cancelled_and_what_was_paid_returns(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    await customer.post(f"/orders/{number}/payments", {})
    await door.system.settled(number)
    portal = await door.open(customer, f"/orders/{number}")
    page = await door.open("operator", f"/admin/orders/{number}")
    await page.get_by_role("button", name="Cancel the order").click()
    await expect(page.get_by_text("$5.00 that were paid return to the customer's balance.")).to_be_visible()
    await page.get_by_label("Reason").fill("Out of stock")
    await page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    for each in (page, portal):
        await expect(each.locator(".status.pill")).to_have_text("Cancelled")
    await expect(portal.get_by_role("link", name="Balance")).to_contain_text("$5.00")
    await expect(page.locator(".acts")).to_contain_text("cancelled the order")
    await expect(page.locator(".acts")).to_contain_text("Out of stock")


async def test_a_customers_profile_has_their_orders_balance_statement_and_tickets(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 300)
    await customer.post("/tickets", {"subject": "Hello there", "text": "Hi"})
    page = await door.open("financier", f"/admin/orders/{number}")
    await page.get_by_role("link", name=customer.login, exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Customer {customer.login}")
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    await expect(page.locator(".conversation-link")).to_contain_text("Hello there")
    await page.get_by_role("button", name="Deposit").click()
    await page.get_by_label("Amount").fill("1")
    await page.get_by_role("button", name="Deposit $1.00").click()
    await page.get_by_role("button", name="Show the statement").press("Enter")
    await expect(page.locator("tr", has_text="Closing balance")).to_contain_text("$6.00")
    await expect(page.locator(".acts")).to_contain_text(re.compile("financier deposited.*amount \\$1.00"))


async def test_a_customer_is_made_and_can_sign_in(door: Door) -> None:
    page = await door.open("operator", "/admin/customers")
    taken = await door.system.new_customer()
    await page.get_by_role("button", name="New customer").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Create the customer").click()
    await expect(dialog.get_by_text("Type a name")).to_be_visible()
    await dialog.get_by_label("Name").fill("Nora New")
    await dialog.get_by_label("E-mail").fill("nora@example.org")
    await dialog.get_by_label("Login").fill(taken.login)
    await dialog.get_by_role("button", name="Create the customer").click()
    await expect(dialog.get_by_label("Login")).to_have_attribute("aria-invalid", "true")
    login = f"nora-{taken.login}"
    await dialog.get_by_label("Login").fill(login)
    await dialog.get_by_role("button", name="Create the customer").click()
    password = await dialog.locator("code").inner_text()
    await dialog.get_by_role("button", name="Open the profile").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nora New")
    assert (await door.system.sign_in(login, password)).id


async def test_new_tickets_of_the_whole_shop_are_listed_and_counted_live(door: Door) -> None:
    customer = await door.system.new_customer()
    page = await door.open("operator", "/admin/tickets")
    await customer.post("/tickets", {"subject": f"Of {customer.login}", "text": "Hi"})
    row = page.locator(".conversation-link", has_text=f"Of {customer.login}")
    await expect(row).to_be_visible()
    counts = await door.system.admin.get("/ticket-counts")
    await expect(page.get_by_role("link", name="Tickets")).to_contain_text(str(counts["new"]))
    await row.click()
    await expect(page.locator(".message")).to_be_visible()
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("Tickets")
    await expect(row).to_have_count(0)
    await page.get_by_text("All", exact=True).click()
    await expect(row).to_be_visible()


async def test_an_admin_makes_and_disables_a_staff_login(door: Door) -> None:
    page = await door.open("admin", "/admin/staff")
    # First in the list, however many logins other tests have made.
    login = f"0-{uuid4().hex[:12]}"
    await page.get_by_role("button", name="New login").click()
    await page.get_by_role("textbox", name="Login").fill(login)
    await page.get_by_role("dialog").get_by_role("button", name="Create the login").click()
    password = await page.get_by_role("dialog").locator("code").inner_text()
    await page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    colleague = await (await door.context()).new_page()
    await colleague.goto("/admin/")
    await colleague.get_by_label("Login").fill(login)
    await colleague.get_by_label("Password", exact=True).fill(password)
    await colleague.keyboard.press("Enter")
    await expect(colleague.get_by_role("heading", level=1)).to_have_text("Orders")
    await expect(colleague.get_by_role("link", name="Staff")).to_have_count(0)
    await page.get_by_role("button", name=f"Change {login}").click()
    await page.get_by_label("Disabled").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("tr", has_text=login)).to_contain_text("Disabled")
    await expect(colleague.get_by_label("Password", exact=True)).to_be_visible(timeout=20_000)
