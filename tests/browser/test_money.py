"""The gear beside the balance: deposit, withdraw, pay for the order; whatever happens, there is one effect."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Door
from tests.people import Person


async def _gear(page: Page, entry: str) -> None:
    await page.get_by_role("button", name="Balance: deposit, withdraw, pay").click()
    await page.get_by_role("menuitem", name=entry).click()


async def _transfers(door: Door, customer: Person) -> list[tuple[str, int]]:
    statement = await door.system.admin.get(f"/customers/{customer.id}/transfers")
    return [(transfer["kind"], transfer["amount_minor"]) for transfer in statement["items"]]


async def _order(door: Door, balance: int, *prices: int) -> tuple[Person, str]:
    customer = await door.system.new_customer(balance)
    return customer, await door.system.new_order(customer, *prices)


async def _submit(page: Page, amount: str, action: str, note: str = "") -> None:
    await page.get_by_label("Amount").fill(amount)
    if note:
        await page.get_by_label("Note", exact=True).fill(note)
    await page.get_by_role("button", name=action).click()


async def test_a_deposit_shows_at_the_staffs_and_live_in_the_portal(door: Door) -> None:
    customer, number = await _order(door, 0, 500)
    portal = await door.open(customer, "/balance")
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Deposit")
    await _submit(page, "1,234.5", "Deposit $1,234.50", note="Thank you")
    await expect(page.get_by_text("Deposited. The balance is $1,234.50 now.")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator(".facts").get_by_text("$1,234.50")).to_be_visible()
    await expect(portal.get_by_role("main").get_by_text("$1,234.50").first).to_be_visible()
    await expect(portal.get_by_text("Thank you")).to_be_visible()
    assert await _transfers(door, customer) == [("deposit", 123450)]


async def test_a_withdrawal_shows_at_the_staffs_and_live_in_the_portal(door: Door) -> None:
    customer, number = await _order(door, 1000, 500)
    portal = await door.open(customer, "/balance")
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Withdraw")
    await _submit(page, "3", "Withdraw $3.00")
    await expect(page.get_by_text("Withdrawn. The balance is $7.00 now.")).to_be_visible()
    await expect(portal.get_by_role("link", name="Balance")).to_contain_text("$7.00")
    assert await _transfers(door, customer) == [("deposit", 1000), ("withdrawal", -300)]


async def test_a_bad_amount_is_caught_where_it_is_typed(door: Door) -> None:
    customer, number = await _order(door, 1000, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Withdraw")
    amount, withdraw = page.get_by_label("Amount"), page.get_by_role("dialog").get_by_role("button", name="Withdraw")
    for typed, said in (
        ("", "Type an amount"),
        ("x", "Type an amount"),
        ("0", "Type an amount"),
        ("10.001", "Type an"),
    ):
        await amount.fill(typed)
        await withdraw.click()
        await expect(page.get_by_text(said)).to_be_visible()
    await amount.fill("10.01")
    await withdraw.click()
    await expect(page.get_by_text("Only $10.00 is available")).to_be_visible()
    await expect(amount).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert await _transfers(door, customer) == [("deposit", 1000)]


async def test_the_servers_refusal_stands_at_the_field_it_belongs_to(door: Door) -> None:
    customer, number = await _order(door, 1000, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Withdraw")
    await page.get_by_label("Amount").fill("9")
    # Meanwhile, and the page has not heard of it yet:
    async with door.deaf(page):
        await door.system.admin.post(f"/customers/{customer.id}/withdrawals", {"amount_minor": 800, "currency": "USD"})
        await page.get_by_role("button", name="Withdraw $9.00").click()
        await expect(page.get_by_label("Amount")).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("Amount")).to_have_accessible_description(re.compile("available"))
    assert await _transfers(door, customer) == [("deposit", 1000), ("withdrawal", -800)]


async def test_after_yes_the_order_and_its_payable_items_are_paid_on_both_sites(door: Door) -> None:
    customer, number = await _order(door, 2000, 500, 700)
    portal = await door.open(customer, f"/orders/{number}")
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Pay for order")
    await expect(page.get_by_text("$12.00 will be taken from the balance.")).to_be_visible()
    await page.get_by_role("button", name="Yes").click()
    for each in (page, portal):
        await expect(each.locator(".status.pill")).to_have_text("Paid")
        await expect(each.locator("tbody .status", has_text="Paid")).to_have_count(2)
    await expect(portal.get_by_role("button", name="Pay from balance")).to_have_count(0)
    await expect(page.locator(".acts li")).to_contain_text(["paid for the order · amount $12.00"])
    await page.get_by_role("button", name="Balance: deposit, withdraw, pay").click()
    await expect(page.get_by_role("menuitem", name="Withdraw")).to_be_visible()
    await expect(page.get_by_role("menuitem", name="Pay for order")).to_have_count(0)
    assert await _transfers(door, customer) == [("deposit", 2000), ("payment", -1200)]


async def test_after_no_nothing_is_paid(door: Door) -> None:
    customer, number = await _order(door, 2000, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Pay for order")
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await _transfers(door, customer) == [("deposit", 2000)]


async def test_where_less_is_available_it_says_what_will_be_paid(door: Door) -> None:
    customer, number = await _order(door, 300, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Pay for order")
    await expect(page.get_by_text("$3.00 will be taken from the balance.")).to_be_visible()
    await expect(page.get_by_text("Only $3.00 of the remaining $5.00 is available. $2.00 will remain")).to_be_visible()
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_text(f"$3.00 paid for {number}.")).to_be_visible()
    await expect(page.locator(".status.pill")).to_have_text("Awaiting payment")
    assert await _transfers(door, customer) == [("deposit", 300), ("payment", -300)]


async def test_where_nothing_is_available_the_entry_says_why(door: Door) -> None:
    _, number = await _order(door, 0, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    await page.get_by_role("button", name="Balance: deposit, withdraw, pay").click()
    entry = page.get_by_role("menuitem", name="Pay for order")
    await expect(entry).to_contain_text("Nothing is available on the balance.")
    await expect(entry).to_be_disabled()


async def test_an_operator_sees_the_money_and_cannot_move_it(door: Door) -> None:
    _, number = await _order(door, 1000, 500)
    page = await door.open("operator", f"/admin/orders/{number}")
    await expect(page.locator(".facts").get_by_text("$10.00")).to_be_visible()
    await page.get_by_role("button", name="Balance: deposit, withdraw, pay").click()
    for entry in ("Deposit", "Withdraw", "Pay for order"):
        await expect(page.get_by_role("menuitem", name=entry)).to_be_disabled()


async def test_pressed_twice_it_is_paid_once(door: Door) -> None:
    customer, number = await _order(door, 2000, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Pay for order")
    # In one go, before the page can show that it was pressed.
    await page.get_by_role("button", name="Yes").evaluate("button => { button.click(); button.click() }")
    await expect(page.locator(".status.pill")).to_have_text("Paid")
    assert await _transfers(door, customer) == [("deposit", 2000), ("payment", -500)]


async def test_enter_twice_deposits_once(door: Door) -> None:
    customer, number = await _order(door, 0, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Deposit")
    await page.get_by_label("Amount").fill("5")
    await page.get_by_label("Amount").evaluate(
        "field => { field.form.requestSubmit(); field.form.requestSubmit() }",
    )
    await expect(page.get_by_text("Deposited.").first).to_be_visible()
    assert await _transfers(door, customer) == [("deposit", 500)]


async def test_a_lost_answer_is_asked_for_again_and_there_is_one_effect(door: Door) -> None:
    customer, number = await _order(door, 0, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    lost = await door.lose_answer(page, "**/deposits")
    await _gear(page, "Deposit")
    await _submit(page, "5", "Deposit $5.00")
    await expect(page.get_by_text("Deposited. The balance is $5.00 now.")).to_be_visible()
    assert lost == [201]
    assert await _transfers(door, customer) == [("deposit", 500)]


async def test_an_answer_that_never_comes_says_so_and_can_be_sent_again(door: Door) -> None:
    customer, number = await _order(door, 0, 500)
    page = await door.open("financier", f"/admin/orders/{number}")
    lost = await door.lose_answer(page, "**/deposits", times=4)
    await page.clock.install()
    await _gear(page, "Deposit")
    await _submit(page, "5", "Deposit $5.00")
    said = page.get_by_text("It may have been done or not; send it again: it will not be done twice.")
    for _ in range(30):
        await page.clock.run_for(1_000)
        if await said.is_visible():
            break
    await expect(said).to_be_visible()
    await page.get_by_role("button", name="Deposit $5.00").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert lost == [201] * 4
    assert await _transfers(door, customer) == [("deposit", 500)]


@pytest.mark.parametrize(
    ("change", "total"), [({"status": "cancelled"}, 500), ({"quantity": 2}, 1900)], ids=["cheaper", "dearer"]
)
async def test_a_payment_on_old_figures_is_refused_and_asked_again_with_the_new_ones(
    door: Door, change: dict[str, Any], total: int
) -> None:
    customer, number = await _order(door, 2000, 500, 700)
    page = await door.open("financier", f"/admin/orders/{number}")
    await _gear(page, "Pay for order")
    await expect(page.get_by_text("$12.00 will be taken")).to_be_visible()
    await door.system.admin.ask("PATCH", f"/orders/{number}/items/2", change)
    await _invoice_is(door, number, total)
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_text("The amounts have changed.")).to_be_visible()
    await expect(page.get_by_text(f"${total / 100:.2f} will be taken from the balance.")).to_be_visible()
    assert await _transfers(door, customer) == [("deposit", 2000)]
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator(".status.pill")).to_have_text("Paid")
    assert await _transfers(door, customer) == [("deposit", 2000), ("payment", -total)]


async def _invoice_is(door: Door, number: str, total: int) -> None:
    truth: dict[str, Any] = await door.system.settled(number)
    assert truth["invoice"]["total_minor"] == total
