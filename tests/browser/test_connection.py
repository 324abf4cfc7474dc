"""What a page shows while something is away, and that it comes back by itself with the truth."""

from playwright.async_api import expect
from prometheus_client import REGISTRY

from tests.browser.conftest import Door
from tests.eventually import eventually

SIGN = "Reconnecting"


async def test_while_the_gateway_is_away_a_quiet_sign_says_so_and_then_the_page_shows_the_truth(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    pages = [await door.open(customer, f"/orders/{number}"), await door.open("operator", f"/admin/orders/{number}")]

    async def both_listen() -> bool:
        return (REGISTRY.get_sample_value("purser_live_streams") or 0) >= len(pages)

    await eventually(both_listen, "both pages listen")
    with door.link.cut():
        for page in pages:
            await expect(page.get_by_text(SIGN)).to_be_visible()
            await expect(page.locator(".status.pill")).to_have_text("Awaiting payment")
        await customer.post(f"/orders/{number}/payments", {})
        await door.system.settled(number)
    for page in pages:
        await expect(page.locator(".status.pill")).to_have_text("Paid", timeout=15_000)
        await expect(page.get_by_text(SIGN)).to_have_count(0)


async def test_a_page_opened_while_the_gateway_is_away_can_be_tried_again(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    page = await door.open(customer, "/")
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    await page.clock.install()
    with door.link.cut():
        await page.get_by_role("link", name=number).click()
        again = page.get_by_role("button", name="Try again")
        for _ in range(30):
            await page.clock.run_for(1_000)
            if await again.is_visible():
                break
        await expect(again).to_be_visible()
    await again.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(number)


async def test_a_service_that_is_away_costs_its_own_part_of_the_page(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    with door.system.links["billing"].cut(), door.system.links["support"].cut():
        page = await door.open("financier", f"/admin/orders/{number}")
        await expect(page.get_by_text("Billing cannot be reached")).to_be_visible()
        await expect(page.get_by_text("Support cannot be reached")).to_be_visible()
        await expect(page.get_by_text("not known at the moment")).to_be_visible()
        await expect(page.locator("tr[data-line='1']")).to_be_visible()
        await page.get_by_role("button", name="Balance: deposit, withdraw, pay").click()
        await expect(page.get_by_role("menuitem", name="Deposit")).to_be_disabled()
        await page.keyboard.press("Escape")
    await expect(page.get_by_text("Billing cannot be reached")).to_have_count(0)
    await expect(page.locator(".facts").get_by_text("$5.00", exact=True).last).to_be_visible()
    await expect(page.locator(".oval.all")).to_contain_text("0")


async def test_all_tabs_of_a_browser_share_one_stream(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    context = await door.sign_in(customer)
    pages = [await context.new_page() for _ in range(8)]  # a browser has six connections to a host
    for page in pages:
        await page.goto(f"/orders/{number}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(number)
    await customer.post(f"/orders/{number}/payments", {})
    for page in pages:
        await expect(page.locator(".status.pill")).to_have_text("Paid")
