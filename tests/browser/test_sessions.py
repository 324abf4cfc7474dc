"""Signing in and out in a browser."""

from playwright.async_api import expect

from tests.browser.conftest import Door


async def test_no_script_can_read_the_session_and_no_other_site_can_use_it(door: Door) -> None:
    customer = await door.system.new_customer()
    page = await door.open(customer, "/")
    [cookie] = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert await page.evaluate("document.cookie") == ""
    await page.context.route("http://evil.example/", lambda route: route.fulfill(body="<title>evil</title>"))
    await page.goto("http://evil.example/")
    sent = page.evaluate(
        "url => fetch(url, {method: 'DELETE', credentials: 'include', mode: 'no-cors'}).then(() => 1, () => 0)",
        f"{door.url}/api/session?everywhere=true",
    )
    await sent
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Orders")


async def test_signed_out_here_every_tab_asks_to_sign_in_and_shows_nothing_of_before(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    context = await door.sign_in(customer)
    tabs = [await context.new_page(), await context.new_page()]
    for tab in tabs:
        await tab.goto(f"/orders/{number}")
        await expect(tab.get_by_role("heading", level=1)).to_have_text(number)
    await tabs[0].get_by_role("button", name=customer.login).click()
    await tabs[0].get_by_role("button", name="Sign out", exact=True).click()
    for tab in tabs:
        await expect(tab.get_by_label("Password", exact=True)).to_be_visible(timeout=20_000)
        await expect(tab.get_by_text(number)).to_have_count(0)


async def test_signed_out_everywhere_the_other_device_is_too(door: Door) -> None:
    customer = await door.system.new_customer()
    phone, laptop = await door.open(customer, "/"), await door.open(customer, "/")
    await laptop.get_by_role("button", name=customer.login).click()
    await laptop.get_by_role("button", name="Sign out on all devices").click()
    for page in (laptop, phone):
        await expect(page.get_by_label("Password", exact=True)).to_be_visible(timeout=20_000)


async def test_somebody_on_the_wrong_site_is_shown_the_way(door: Door) -> None:
    customer = await door.system.new_customer()
    page = await door.open(customer, "/admin/orders")
    await expect(page.get_by_role("heading", level=1)).to_have_text("This site is not for this login")
    await page.get_by_role("link", name="To the site for this login").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Orders")
    assert page.url == f"{door.url}/"
    staff = await door.open("operator", "/")
    await expect(staff.get_by_role("heading", level=1)).to_have_text("This site is not for this login")


async def test_another_person_at_the_same_browser_sees_nothing_of_the_former(door: Door) -> None:
    first, second = await door.system.new_customer(), await door.system.new_customer()
    number = await door.system.new_order(first, 500)
    page = await door.open(first, "/")
    await expect(page.get_by_role("link", name=number)).to_be_visible()
    other_tab = await page.context.request.post(
        "/api/session", data={"login": second.login, "password": "correct horse battery staple"}
    )
    assert other_tab.ok
    # It finds out as soon as it asks for anything; its own session goes on to be somebody else's.
    await page.reload()
    await expect(page.get_by_role("button", name=second.login)).to_be_visible()
    await expect(page.get_by_role("link", name=number)).to_have_count(0)
