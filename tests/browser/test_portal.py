"""The customer's personal area, live."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Door


async def test_own_orders_stand_in_groups_and_move_when_something_happens(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    stranger = await door.system.new_customer()
    others = await door.system.new_order(stranger, 500)
    page = await door.open(customer, "/")
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    await expect(page.get_by_role("link", name=others)).to_have_count(0)
    await door.system.admin.post(f"/orders/{number}/payments", {})
    await expect(page.get_by_text("Nothing awaits payment.")).to_be_visible()
    await page.get_by_text("Active", exact=True).click()
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    await page.get_by_text("Cancelled", exact=True).click()
    await expect(page.get_by_text("No cancelled orders.")).to_be_visible()


async def test_a_customer_pays_from_the_balance(door: Door) -> None:
    customer = await door.system.new_customer(2000)
    number = await door.system.new_order(customer, 500)
    page = await door.open(customer, f"/orders/{number}")
    await page.get_by_role("button", name="Pay from balance").click()
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator(".status.pill")).to_have_text("Paid")
    await expect(page.get_by_role("link", name="Balance")).to_contain_text("$15.00")


async def test_with_nothing_on_the_balance_it_says_why_nothing_can_be_paid(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    page = await door.open(customer, f"/orders/{number}")
    await expect(page.get_by_role("button", name="Pay from balance")).to_be_disabled()
    await expect(page.get_by_text("Nothing is available on the balance.")).to_be_visible()
    await door.system.admin.post(f"/customers/{customer.id}/deposits", {"amount_minor": 100, "currency": "USD"})
    await expect(page.get_by_role("button", name="Pay from balance")).to_be_enabled()


async def test_a_customer_asks_about_an_order_and_the_staff_see_it(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    staff = await door.open("operator", "/admin/tickets")
    page = await door.open(customer, f"/orders/{number}")
    await page.get_by_role("button", name="Ask about this order").click()
    await page.get_by_label("Message", exact=True).fill(f"A question of {customer.login}")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message")).to_contain_text(f"A question of {customer.login}")
    row = staff.locator(".conversation-link", has_text=f"Customer {customer.login}")
    await expect(row).to_contain_text(number)
    await row.click()
    await expect(staff.locator(".message")).to_contain_text(f"A question of {customer.login}")
    # Asked again, it is the same conversation.
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Ask about this order").click()
    await expect(page.locator(".message")).to_have_count(1)


async def test_the_statement_says_what_the_balance_is_made_of(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    deposit = {"amount_minor": 2000, "currency": "USD", "note": "for you", "staff_note": "for us"}
    await door.system.admin.post(f"/customers/{customer.id}/deposits", deposit)
    page = await door.open(customer, "/balance")
    await door.system.admin.post(f"/orders/{number}/payments", {})
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(4)
    await expect(rows.nth(0)).to_contain_text("Opening balance")
    await expect(rows.nth(1)).to_contain_text("for you")
    await expect(rows.nth(2)).to_contain_text(f"Payment {number}")
    await expect(rows.nth(2)).to_contain_text("-$5.00")
    await expect(rows.nth(3)).to_contain_text("$15.00")
    await expect(page.get_by_text("for us")).to_have_count(0)
    await page.get_by_label("From").fill("2099-01-01")
    await expect(page.get_by_text("No money has moved in this time.")).to_be_visible()


async def test_a_raised_price_is_accepted(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    page = await door.open(customer, f"/orders/{number}")
    await door.system.admin.ask("PATCH", f"/orders/{number}/items/1", {"unit_price_minor": 600})
    await page.get_by_role("button", name="Accept the price").click()
    await expect(page.get_by_role("button", name="Accept the price")).to_have_count(0)
    await expect(page.locator("tbody .status")).to_have_text("Awaiting payment")


@pytest.mark.parametrize("path", ["/orders/{others}", "/tickets/{ticket}"])
async def test_what_is_anothers_is_not_there(door: Door, path: str) -> None:
    customer, stranger = await door.system.new_customer(), await door.system.new_customer()
    others = await door.system.new_order(stranger, 500)
    ticket = (await stranger.post("/tickets", {"subject": "Mine", "text": "private"}))["ticket"]["id"]
    page = await (await door.sign_in(customer)).new_page()
    await page.goto(path.format(others=others, ticket=ticket))
    await expect(page.get_by_role("alert")).to_contain_text("There is no")
    await expect(page.get_by_text("private")).to_have_count(0)
