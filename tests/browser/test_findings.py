"""What does not add up stands on the staff's order page, in red, in their language; customers are not troubled."""

import json

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from tests.browser.conftest import Door
from tests.browser.test_accessibility import flaws

KEEP = "INSERT INTO findings (kind, subject, figures) VALUES (:kind, :subject, CAST(:figures AS jsonb))"


async def _find(door: Door, kind: str, subject: str, **figures: int) -> None:
    async with door.system.databases["gateway"].transaction() as session:
        await session.execute(text(KEEP), {"kind": kind, "subject": subject, "figures": json.dumps(figures)})


async def _banner(page: Page, title: str, *lines: str) -> None:
    banner = page.get_by_role("alert").filter(has_text=title)
    await expect(banner).to_be_visible()
    for line in lines:
        await expect(banner).to_contain_text(line)


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_a_finding_is_a_banner_on_the_order_and_axe_finds_nothing(door: Door, colours: str) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    await _find(door, "payment_unsettled", number, order_paid_minor=0, invoice_paid_minor=500, invoice_version=1)
    await _find(door, "balance_off", customer.id, balance_minor=100, transferred_minor=200)
    page = await door.open("operator", f"/admin/orders/{number}", color_scheme=colours)
    await _banner(
        page,
        "The books do not agree",
        "A payment or a refund has not reached the order: paid by the order $0.00, paid by billing $5.00, seen since",
        "The customer's balance is not the sum of its transfers: balance $1.00, by the transfers $2.00",
    )
    assert await flaws(page) == []
    russian = await door.open("operator", f"/admin/orders/{number}", locale="ru-RU", color_scheme=colours)
    await _banner(russian, "Учёт не сходится", "Оплата или возврат не дошли до заказа")
    portal = await door.open(customer, f"/orders/{number}")
    await expect(portal.get_by_role("alert")).to_have_count(0)
