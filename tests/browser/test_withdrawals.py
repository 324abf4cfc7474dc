"""A large withdrawal on both sites: it is asked for, waits, is held, and another person decides."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Door
from tests.people import Person


async def _ask(door: Door, customer: Person, amount_minor: int = 200_000, who: str = "financier") -> None:
    body = {"amount_minor": amount_minor, "currency": "USD", "note": "To the bank", "staff_note": "Asked by phone"}
    answer = await door.system.people[who].ask("POST", f"/customers/{customer.id}/withdrawals", body)
    assert answer.status_code == 202


async def _money(door: Door, customer: Person) -> tuple[int, int]:
    balance = await door.system.admin.get(f"/customers/{customer.id}/balance")
    return balance["balance_minor"], balance["held_minor"]


def _row(page: Page, customer: Person) -> Locator:
    return page.locator("tbody tr", has_text=customer.login)


async def test_the_form_says_that_it_will_wait_and_both_sites_show_it_held(door: Door) -> None:
    customer = await door.system.new_customer(500_000)
    portal = await door.open(customer, "/balance")
    page = await door.open("financier", f"/admin/customers/{customer.id}")
    await page.get_by_role("button", name="Withdraw").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("Up to $1,000.00 at once.")).to_be_visible()
    await dialog.get_by_label("Amount").fill("2000")
    await expect(dialog.get_by_role("status")).to_contain_text("This waits until another person approves it")
    await dialog.get_by_role("button", name="Ask to withdraw $2,000.00").click()
    await expect(page.get_by_text("will be withdrawn when another person has approved it")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator(".facts").last).to_contain_text(re.compile(r"held\$2,000.00available\$3,000.00"))
    await expect(page.locator(".acts")).to_contain_text("financier asked for a withdrawal")
    await expect(page.get_by_role("heading", name="Withdrawals to approve")).to_be_visible()
    await page.get_by_role("button", name="Show the statement").press("Enter")
    await expect(page.locator("tr.edge", has_text="Of this held")).to_contain_text("$2,000.00")
    await expect(portal.get_by_text("held $2,000.00 · available $3,000.00")).to_be_visible()
    await expect(portal.get_by_text("A withdrawal waits for the shop's approval.")).to_be_visible()
    assert await _money(door, customer) == (500_000, 200_000)


async def test_another_person_sees_it_at_once_and_approves_it(door: Door) -> None:
    customer = await door.system.new_customer(500_000)
    portal = await door.open(customer, "/balance")
    page = await door.open("admin", "/admin/withdrawals")
    before = (await door.system.admin.get("/hold-counts"))["waiting"]
    await _ask(door, customer)
    row, badge = _row(page, customer), page.get_by_role("link", name="Withdrawals").locator(".oval")
    await expect(row).to_contain_text("$2,000.00")
    await expect(row).to_contain_text("Asked by phone")
    await expect(badge).to_contain_text(str(before + 1))
    await row.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("dialog")).to_contain_text(
        f"$2,000.00 will be withdrawn from the balance of Customer {customer.login}."
    )
    await page.get_by_label("Note for staff").fill("Seen the contract")
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(row).to_have_count(0)
    await expect(badge).to_have_count(1 if before else 0)
    await expect(portal.get_by_role("link", name="Balance")).to_contain_text("$3,000.00")
    await page.get_by_text("All", exact=True).click()
    await expect(row).to_contain_text(re.compile("Approved by admin.*Seen the contract"))
    assert await _money(door, customer) == (300_000, 0)


async def test_whoever_asked_can_only_take_it_back(door: Door) -> None:
    customer = await door.system.new_customer(500_000)
    await _ask(door, customer)
    page = await door.open("financier", "/admin/withdrawals")
    row = _row(page, customer)
    await expect(row.get_by_role("button")).to_have_text(["Refuse"])
    await row.get_by_role("button", name="Refuse").click()
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await _money(door, customer) == (500_000, 200_000)
    await row.get_by_role("button", name="Refuse").click()
    await page.get_by_role("button", name="Yes").click()
    await expect(row).to_have_count(0)
    assert await _money(door, customer) == (500_000, 0)


async def test_pressed_twice_with_a_lost_answer_it_is_withdrawn_once(door: Door) -> None:
    customer = await door.system.new_customer(500_000)
    await _ask(door, customer)
    page = await door.open("admin", "/admin/withdrawals")
    lost = await door.lose_answer(page, "**/approval")
    await _row(page, customer).get_by_role("button", name="Approve").click()
    await page.get_by_role("button", name="Yes").evaluate("button => { button.click(); button.click() }")
    await expect(page.get_by_text("$2,000.00 withdrawn.").first).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert lost == [200]
    assert await _money(door, customer) == (300_000, 0)


async def test_whoever_comes_second_is_told_that_it_was_decided(door: Door) -> None:
    customer = await door.system.new_customer(500_000)
    await _ask(door, customer)
    page = await door.open("admin", "/admin/withdrawals")
    await _row(page, customer).get_by_role("button", name="Approve").click()
    [hold] = (await door.system.admin.get(f"/holds?customer_id={customer.id}"))["items"]
    await door.system.people["financier"].post(f"/holds/{hold['id']}/refusal", {})
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_role("alert")).to_contain_text("This withdrawal is refused by financier already.")
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(_row(page, customer)).to_have_count(0)
    assert await _money(door, customer) == (500_000, 0)


async def test_small_ones_of_a_day_add_up_before_the_eyes_of_whoever_withdraws(door: Door) -> None:
    customer = await door.system.new_customer(500_000)
    page = await door.open("financier", f"/admin/customers/{customer.id}")
    await page.get_by_role("button", name="Withdraw").click()
    await page.get_by_label("Amount").fill("600")
    await expect(page.get_by_role("button", name="Withdraw $600.00")).to_be_visible()
    # Meanwhile, by somebody else:
    small = {"amount_minor": 70_000, "currency": "USD"}
    await door.system.admin.post(f"/customers/{customer.id}/withdrawals", small)
    await expect(page.get_by_role("status").last).to_contain_text("only $300.00 more can be withdrawn at once")
    await page.get_by_role("button", name="Ask to withdraw $600.00").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await _money(door, customer) == (430_000, 60_000)


async def test_who_may_not_move_money_sees_what_waits_and_cannot_decide(door: Door) -> None:
    customer = await door.system.new_customer(500_000)
    await _ask(door, customer)
    page = await door.open("operator", f"/admin/customers/{customer.id}")
    await expect(page.get_by_role("main").get_by_text("Waits for another person")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("Approve|Refuse"))).to_have_count(0)
    await expect(page.get_by_role("navigation").get_by_role("link", name="Withdrawals")).to_have_count(0)
    await page.goto("/admin/withdrawals")
    await expect(page.get_by_text("There is no such page")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
async def test_on_a_phone_by_keyboard_it_is_approved(door: Door, locale: str) -> None:
    customer = await door.system.new_customer(500_000)
    await _ask(door, customer)
    page = await door.open("admin", "/admin/withdrawals", viewport={"width": 360, "height": 740}, locale=locale)
    approve = _row(page, customer).get_by_role("button").first
    assert not await page.evaluate("document.scrollingElement.scrollWidth > innerWidth")
    await approve.focus()
    await page.keyboard.press("Enter")
    yes = page.get_by_role("dialog").get_by_role("button").last
    await expect(yes).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(_row(page, customer)).to_have_count(0)
    assert await _money(door, customer) == (300_000, 0)
