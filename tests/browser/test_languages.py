"""English and Russian, as the browser wishes and as the person chooses."""

import json
import re

from playwright.async_api import Page, expect

from tests.browser.conftest import ROOT, Door


def _keys() -> re.Pattern[str]:
    """Any text's key, as it would be seen if it had no words."""
    texts = json.loads((ROOT / "web/src/common/text/en.json").read_text())
    return re.compile(rf"\b({'|'.join(texts)})\.[a-z_]+\b")


async def _speaks(page: Page, language: str) -> None:
    await expect(page.locator("html")).to_have_attribute("lang", language)
    text = await page.locator("body").inner_text()
    assert not _keys().findall(text)


async def test_a_russian_browser_is_spoken_to_in_russian(door: Door) -> None:
    customer = await door.system.new_customer(1_234_50)
    number = await door.system.new_order(customer, 500)
    stranger = await (await door.context(locale="ru-RU")).new_page()
    await stranger.goto("/")
    await expect(stranger.locator("h1")).to_have_text("Войти")
    await stranger.get_by_label("Логин").fill(customer.login)
    await stranger.get_by_label("Пароль", exact=True).fill("wrong")
    await stranger.keyboard.press("Enter")
    await expect(stranger.get_by_role("alert")).to_contain_text("Нет такого логина с таким паролем.")
    staff = await door.open("financier", f"/admin/orders/{number}", locale="ru-RU")
    await expect(staff.locator(".status.pill")).to_have_text("Ожидает оплаты")
    await expect(staff.locator(".facts").get_by_text("1\u00a0234,50\u00a0$")).to_be_visible()
    await _speaks(staff, "ru")
    portal = await door.open(customer, f"/orders/{number}", locale="ru")
    await expect(portal.get_by_role("button", name="Оплатить с баланса")).to_be_visible()
    await _speaks(portal, "ru")


async def test_any_other_browser_is_spoken_to_in_english(door: Door) -> None:
    customer = await door.system.new_customer(1_234_50)
    page = await door.open(customer, "/balance", locale="fr-FR")
    await expect(page.locator("h1")).to_have_text("Balance")
    await expect(page.get_by_role("main").get_by_text("$1,234.50").first).to_be_visible()
    await _speaks(page, "en")


async def test_the_language_is_switched_at_once_and_stays_switched(door: Door) -> None:
    customer = await door.system.new_customer()
    page = await door.open(customer, "/")
    await page.get_by_role("button", name=customer.login).click()
    await page.get_by_text("Русский").click()
    await expect(page.locator("h1")).to_have_text("Заказы")
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Заказы")
    await _speaks(page, "ru")
    await page.get_by_role("button", name=customer.login).click()
    await page.get_by_text("English").click()
    await expect(page.locator("h1")).to_have_text("Orders")


async def test_the_colours_are_switched_and_stay_switched(door: Door) -> None:
    customer = await door.system.new_customer()
    page = await door.open(customer, "/", color_scheme="light")
    html = page.locator("html")
    await expect(html).to_have_attribute("data-mantine-color-scheme", "light")
    await page.get_by_role("button", name=customer.login).click()
    await page.get_by_text("Dark").click()
    await expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
    await page.reload()
    await expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
