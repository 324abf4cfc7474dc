"""Nobody is kept out: axe finds nothing on any page, dialog or menu, and everything is done by keyboard alone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ROOT, Door
from tests.people import Person

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GEAR = "Balance: deposit, withdraw, pay"


@dataclass
class Story:
    """A shop with something on every page."""

    customer: Person
    number: str
    ticket_id: str


@pytest.fixture
async def story(door: Door) -> Story:
    customer = await door.system.new_customer(200_900)
    number = await door.system.new_order(customer, 500, 700, delivery_minor=100)
    begun = await customer.post("/tickets", {"subject": "A question", "text": "Where?", "order_number": number})
    large = {"amount_minor": 200_000, "currency": "USD", "staff_note": "By phone"}
    await door.system.people["financier"].ask("POST", f"/customers/{customer.id}/withdrawals", large)
    return Story(customer, number, begun["ticket"]["id"])


async def flaws(page: Page) -> list[str]:
    """What axe finds, once nothing moves any more."""
    await page.evaluate("""new Promise(done => {
        const floating = () => [...document.querySelectorAll('[role=menu], [role=dialog]')]
        const isWhole = each => getComputedStyle(each).opacity === '1'
        const look = () => floating().every(isWhole) ? done() : setTimeout(look, 20)
        look()
    })""")
    await page.evaluate("Promise.all(document.getAnimations().map(each => each.finished.catch(() => {})))")
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    wanted = {"runOnly": RULES, "resultTypes": ["violations"]}
    found: dict[str, Any] = await page.evaluate("wanted => axe.run(document, wanted)", wanted)
    return [f"{flaw['id']}: {node['html'][:120]}" for flaw in found["violations"] for node in flaw["nodes"]]


async def _staffs_views(page: Page, story: Story) -> AsyncIterator[str]:
    order = f"/admin/orders/{story.number}"
    places = ("orders", "customers", "tickets", "withdrawals", "withdrawals?show=all", "staff", "nowhere")
    for path in (*(f"/admin/{place}" for place in places), order):
        await page.goto(path)
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator("[aria-hidden] .mantine-Skeleton-root")).to_have_count(0)
        yield path
    gear = page.get_by_role("button", name=GEAR)
    await gear.click()
    await expect(page.get_by_role("menu")).to_be_visible()
    yield "gear menu"
    await page.get_by_role("menuitem", name="Deposit").click()
    await page.get_by_role("dialog").get_by_role("button", name="Deposit").click()
    yield "deposit, with an error at its field"
    await page.keyboard.press("Escape")
    await gear.click()
    await page.get_by_role("menuitem", name="Pay for order").click()
    await expect(page.get_by_role("dialog").last).to_be_visible()
    yield "question"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Chat").click()
    await page.get_by_role("button", name="Add comment").click()
    yield "conversation"
    await page.get_by_role("button", name="All conversations").click()
    yield "conversations"
    await page.get_by_role("button", name="Begin a conversation").click()
    await expect(page.get_by_role("dialog").last).to_be_visible()
    yield "new conversation"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Cancel the order").click()
    await expect(page.get_by_role("dialog").last).to_be_visible()
    yield "cancelling"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Change item 1").click()
    await expect(page.get_by_role("menu")).to_be_visible()
    yield "item menu"
    await page.get_by_role("menuitem", name="Change the price").click()
    await expect(page.get_by_role("dialog").last).to_be_visible()
    yield "price"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="admin", exact=True).click()
    await expect(page.get_by_role("dialog", name="admin")).to_be_visible()
    yield "user menu"
    await page.goto(f"/admin/customers/{story.customer.id}")
    # By key: what has still to come moves the button, and a mouse that is let go elsewhere has pressed nothing.
    await page.get_by_role("button", name="Show the statement").press("Enter")
    await expect(page.get_by_text("Closing balance")).to_be_visible()
    yield "profile"
    await page.goto(f"/admin/tickets/{story.ticket_id}")
    await expect(page.locator(".message")).to_be_visible()
    yield "ticket"
    await page.goto("/admin/customers")
    await page.get_by_role("button", name="New customer").click()
    await expect(page.get_by_role("dialog").last).to_be_visible()
    yield "new customer"


async def _customers_views(page: Page, story: Story) -> AsyncIterator[str]:
    for path in ("/", "/?group=cancelled", "/balance", "/tickets", "/nowhere", f"/orders/{story.number}"):
        await page.goto(path)
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator("[aria-hidden] .mantine-Skeleton-root")).to_have_count(0)
        yield path
    await page.get_by_role("button", name="Pay from balance").click()
    await expect(page.get_by_role("dialog").last).to_be_visible()
    yield "question"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Ask about this order").click()
    await expect(page.locator(".message")).to_be_visible()
    yield "conversation"
    await page.goto("/tickets")
    await page.get_by_role("button", name="Write to the shop").click()
    await expect(page.get_by_role("dialog").last).to_be_visible()
    yield "new conversation"


@pytest.mark.parametrize(
    "look", [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}]
)
async def test_axe_finds_nothing_on_the_staffs_site(door: Door, story: Story, look: dict[str, Any]) -> None:
    page = await (await door.sign_in("admin", **look)).new_page()
    assert {view: found async for view in _staffs_views(page, story) if (found := await flaws(page))} == {}


@pytest.mark.parametrize(
    "look", [{"color_scheme": "dark"}, {"color_scheme": "light", "viewport": {"width": 360, "height": 740}}]
)
async def test_axe_finds_nothing_on_the_customers_site(door: Door, story: Story, look: dict[str, Any]) -> None:
    page = await (await door.sign_in(story.customer, **look)).new_page()
    assert {view: found async for view in _customers_views(page, story) if (found := await flaws(page))} == {}


async def test_axe_finds_nothing_where_one_signs_in(door: Door) -> None:
    page = await (await door.context()).new_page()
    await page.goto("/admin/")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Type your login")).to_be_visible()
    assert await flaws(page) == []


async def _tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, as somebody without a mouse does; it must be seen to have it."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("each => each === document.activeElement"):
            width = await wanted.evaluate("each => parseFloat(getComputedStyle(each).outlineWidth)")
            border = await wanted.evaluate("each => getComputedStyle(each).borderColor")
            assert width >= 2 or "rgb(25, 113, 194)" in border or "rgb(24, 100, 171)" in border, "focus is not seen"
            return
    raise AssertionError(f"Tab does not come to {wanted}")


async def test_from_signing_in_to_a_deposit_a_comment_and_a_payment_by_keyboard_alone(door: Door, story: Story) -> None:
    page = await (await door.context()).new_page()
    await page.goto(f"/admin/orders?q={story.customer.login}")
    for text in ("financier", "correct horse battery staple"):
        await _tab_to(page, page.get_by_label("Login" if text == "financier" else "Password", exact=True))
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Orders")
    await _tab_to(page, page.get_by_role("link", name=story.number))
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text(story.number)
    await expect(page.locator("h1")).to_be_focused()

    gear = page.get_by_role("button", name=GEAR)
    await _tab_to(page, gear)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Deposit")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Amount")).to_be_focused()
    await page.keyboard.type("4")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(gear).to_be_focused()

    await _tab_to(page, page.get_by_role("button", name="Chat"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".message", has_text="Where?")).to_be_visible()
    await _tab_to(page, page.get_by_role("button", name="Add comment"))
    await page.keyboard.press("Enter")
    await page.keyboard.type("At the door")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".message", has_text="At the door")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Chat")).to_be_focused()

    await page.keyboard.press("Shift+Tab")
    await gear.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Deposit")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Yes")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".status.pill")).to_have_text("Paid")
    await expect(gear).to_be_focused()


async def test_the_first_tab_skips_to_the_content(door: Door, story: Story) -> None:
    page = await door.open("operator", "/admin/orders")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()


async def test_what_opened_a_dialog_has_the_focus_when_it_is_closed(door: Door, story: Story) -> None:
    page = await door.open("admin", f"/admin/orders/{story.number}")
    for name in ("Cancel the order", "Chat", "admin"):
        opener = page.get_by_role("button", name=name, exact=name == "admin")
        await opener.click()
        # It is there before it has the focus, and a key that is pressed meanwhile is not for it.
        await expect(page.get_by_role("dialog").locator(":focus")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(opener).to_be_focused()
