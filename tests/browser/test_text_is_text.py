"""What people write is shown as they wrote it, and never runs."""

from typing import Any

from playwright.async_api import BrowserContext, Page, expect

from tests.browser.conftest import Door

EVIL = [
    "<b>bold</b>",
    "<img src=x onerror=\"window.__ran='img'\">",
    "\"><script>window.__ran='script'</script>",
    "<svg/onload=window.__ran='svg'>",
    "javascript:window.__ran='link'",
    "{{7*7}} ${7*7} {{count}} $t(pay.yes)",
    "<a href=\"javascript:window.__ran='a'\">click</a>",
    "\u202eright to left\u202c",
    "x" * 190,
    "&lt;i&gt; &amp; &#x3c;",
    "</style><style>*{display:none}</style>",
]


async def _guard(context: BrowserContext) -> None:
    await context.add_init_script("""
        window.__violations = []
        document.addEventListener('securitypolicyviolation', event => window.__violations.push(event.violatedDirective))
    """)


async def _is_harmless(page: Page) -> None:
    assert await page.evaluate("window.__ran") is None
    assert await page.evaluate("window.__violations") == []
    assert not await page.evaluate("document.scrollingElement.scrollWidth > innerWidth")


async def _shown(page: Page) -> str:
    return str(await page.locator("body").text_content())


async def test_messages_and_subjects_are_text_on_both_sites(door: Door) -> None:
    customer = await door.system.new_customer()
    begun = await customer.post("/tickets", {"subject": EVIL[2], "text": EVIL[0]})
    ticket_id = begun["ticket"]["id"]
    for text in EVIL[1:]:
        await customer.post(f"/tickets/{ticket_id}/messages", {"text": text})
    for login, path in (("operator", f"/admin/tickets/{ticket_id}"), (customer, f"/tickets/{ticket_id}")):
        context = await door.sign_in(login)
        await _guard(context)
        page = await context.new_page()
        await page.goto(path)
        await expect(page.locator(".message")).to_have_count(len(EVIL))
        assert await page.locator(".message .words").all_text_contents() == EVIL
        await expect(page.locator("h1")).to_have_text(EVIL[2])
        assert await page.locator(".message a").count() == 0
        await _is_harmless(page)


async def test_names_addresses_items_notes_and_reasons_are_text(door: Door) -> None:
    admin = door.system.admin
    login = (await door.system.new_customer()).login + "-x"
    person: dict[str, Any] = {
        "login": login,
        "name": EVIL[1],
        "phone": EVIL[0],
        "email": "<i>@example.org",
        "shipping_address": EVIL[3],
        "password": "correct horse battery staple",
    }
    made = await admin.post("/customers", person)
    items = [{"sku": EVIL[0], "title": text, "quantity": 1, "unit_price_minor": 100} for text in EVIL]
    order = {"customer_id": made["id"], "currency": "USD", "shipping_address": EVIL[6], "items": items}
    number = (await admin.post("/orders", order))["number"]
    money = {"amount_minor": 100, "currency": "USD", "note": EVIL[2], "staff_note": EVIL[5]}
    await admin.post(f"/customers/{made['id']}/deposits", money)
    await admin.post(f"/orders/{number}/cancellation", {"reason": EVIL[7]})
    context = await door.sign_in("admin")
    await _guard(context)
    page = await context.new_page()
    await page.goto(f"/admin/orders/{number}")
    await expect(page.locator(".acts")).to_contain_text("cancelled the order")
    shown = await _shown(page)
    assert [text for text in [*EVIL, person["name"], person["email"]] if text not in shown] == []
    await _is_harmless(page)
    await page.goto(f"/admin/customers/{made['id']}")
    await page.get_by_role("button", name="Show the statement").press("Enter")
    await expect(page.get_by_text("Closing balance")).to_be_visible()
    shown = await _shown(page)
    assert [text for text in (EVIL[0], EVIL[1], EVIL[2], EVIL[3], EVIL[5]) if text not in shown] == []
    await _is_harmless(page)


async def test_a_web_address_is_a_link_that_knows_nothing_of_the_page(door: Door) -> None:
    customer = await door.system.new_customer()
    text = "See https://example.org/a?b=1&c=2, not javascript:alert(1) or data:text/html,x"
    begun = await customer.post("/tickets", {"subject": "Links", "text": text})
    page = await door.open("operator", f"/admin/tickets/{begun['ticket']['id']}")
    link = page.locator(".message a")
    await expect(link).to_have_count(1)
    await expect(link).to_have_attribute("href", "https://example.org/a?b=1&c=2")
    rel = await link.get_attribute("rel") or ""
    assert {"noopener", "noreferrer"} <= set(rel.split())


async def test_a_script_of_anothers_does_not_run_at_all(door: Door) -> None:
    """What the pages do right, the browser would refuse as well: the policy holds."""
    page = await door.open("operator", "/admin/orders")
    await page.evaluate("""() => {
        const script = document.createElement('script')
        script.textContent = 'window.__ran = 1'
        document.body.append(script)
    }""")
    assert await page.evaluate("window.__ran") is None
    door.wrongs.clear()  # the browser's complaint about just that
