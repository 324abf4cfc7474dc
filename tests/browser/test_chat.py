"""Staff and a customer talk, each in their own browser."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Door
from tests.people import Person


async def _ask(customer: Person, number: str, text: str = "Where is it?") -> str:
    ticket = await customer.post("/tickets", {"subject": "A question", "text": text, "order_number": number})
    return str(ticket["ticket"]["id"])


def _chat(page: Page) -> Locator:
    return page.get_by_role("button", name="Chat")


async def test_a_new_ticket_turns_the_green_oval_up_and_reading_turns_it_down(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    page = await door.open("operator", f"/admin/orders/{number}")
    green, grey = _chat(page).locator(".oval.new"), _chat(page).locator(".oval.all")
    await expect(green).to_contain_text("0")
    await _ask(customer, number)
    await expect(green).to_contain_text("1")
    await expect(grey).to_contain_text("1")
    badge = page.get_by_role("link", name="Tickets").locator(".oval.new")
    # The shop's count is told by itself, maybe after the order's.
    [shop] = await door.system.rows("support", "SELECT new FROM shop_count")
    before = shop["new"]
    await expect(badge).to_have_text(re.compile(rf"\b{before}\b"))
    await _chat(page).click()
    await expect(page.get_by_role("dialog").get_by_text("Where is it?")).to_be_visible()
    await expect(green).to_contain_text("0")
    await expect(grey).to_contain_text("1")
    if before > 1:
        await expect(badge).to_contain_text(str(before - 1))
    else:
        await expect(badge).to_have_count(0)


async def test_what_staff_add_appears_in_both_browsers_without_reloading(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    ticket_id = await _ask(customer, number)
    portal = await door.open(customer, f"/tickets/{ticket_id}")
    admin = await door.open("operator", f"/admin/orders/{number}")
    await _chat(admin).click()
    add = admin.get_by_role("button", name="Add comment")
    assert await add.evaluate("link => getComputedStyle(link).textDecorationStyle") == "dashed"
    await add.click()
    await admin.get_by_label("Comment").fill("On its way.\nSee https://example.org/track?id=1.")
    await admin.get_by_role("button", name="Add", exact=True).click()
    for page in (admin, portal):
        message = page.locator(".message", has_text="On its way.")
        await expect(message).to_be_visible()
        link = message.get_by_role("link", name="https://example.org/track?id=1")
        await expect(link).to_have_attribute("href", "https://example.org/track?id=1")
    await expect(add).to_be_focused()


async def test_what_the_customer_answers_appears_at_the_staffs_and_only_once(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    ticket_id = await _ask(customer, number)
    admin = await door.open("operator", f"/admin/tickets/{ticket_id}")
    portal = await door.open(customer, f"/tickets/{ticket_id}")
    await portal.get_by_role("button", name="Add comment").click()
    await portal.get_by_label("Comment").fill("Still <b>nothing</b>")
    await portal.get_by_role("button", name="Add", exact=True).dblclick()
    for page in (admin, portal):
        await expect(page.locator(".message .words", has_text="Still <b>nothing</b>")).to_have_count(1)
    await expect(admin.locator(".message")).to_have_count(2)


async def test_a_comment_can_be_given_up_and_an_empty_one_is_not_sent(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    await _ask(customer, number)
    page = await door.open("operator", f"/admin/orders/{number}")
    await _chat(page).click()
    await page.get_by_role("button", name="Add comment").click()
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text("Type a message")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await expect(page.get_by_label("Comment")).to_have_count(0)
    await expect(page.get_by_role("button", name="Add comment")).to_be_focused()


async def test_what_was_typed_is_still_there_when_the_conversation_is_opened_again(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    await _ask(customer, number)
    page = await door.open("operator", f"/admin/orders/{number}")
    await _chat(page).click()
    await page.get_by_role("button", name="Add comment").click()
    await page.get_by_label("Comment").fill("Half a thou")
    await page.keyboard.press("Escape")
    await _chat(page).click()
    await expect(page.get_by_label("Comment")).to_have_value("Half a thou")


async def test_a_comment_whose_answer_is_lost_is_sent_again_and_stands_once(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    ticket_id = await _ask(customer, number)
    page = await door.open("operator", f"/admin/tickets/{ticket_id}")
    lost = await door.lose_answer(page, "**/messages")
    await page.get_by_role("button", name="Add comment").click()
    await page.get_by_label("Comment").fill("Once")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_label("Comment")).to_have_count(0)
    assert lost == [201]
    await expect(page.locator(".message", has_text="Once")).to_have_count(1)
    conversation = await door.system.admin.get(f"/tickets/{ticket_id}")
    assert [message["text"] for message in conversation["messages"]] == ["Where is it?", "Once"]


async def test_staff_begin_a_conversation(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    portal = await door.open(customer, "/tickets")
    page = await door.open("operator", f"/admin/orders/{number}")
    await _chat(page).click()
    await page.get_by_role("button", name="Begin a conversation").click()
    await expect(page.get_by_label("Subject")).to_have_value(f"Order {number}")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Type a message")).to_be_visible()
    await page.get_by_label("Message", exact=True).fill("May we send it in two parcels?")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message", has_text="two parcels")).to_be_visible()
    await portal.get_by_role("link", name=f"Order {number}").click()
    await expect(portal.locator(".message", has_text="two parcels")).to_be_visible()
    await expect(portal.get_by_role("link", name="Messages").locator(".oval.new")).to_have_count(0)


async def test_a_closed_conversation_says_so_and_a_comment_opens_it(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    ticket_id = await _ask(customer, number)
    portal = await door.open(customer, f"/tickets/{ticket_id}")
    page = await door.open("operator", f"/admin/tickets/{ticket_id}")
    await page.get_by_role("button", name="Close the conversation").click()
    for each in (page, portal):
        await expect(each.get_by_text("This conversation is closed.")).to_be_visible()
    await portal.get_by_role("button", name="Add comment").click()
    await portal.get_by_label("Comment").fill("One more thing")
    await portal.keyboard.press("Control+Enter")
    await expect(page.locator(".message", has_text="One more thing")).to_be_visible()
    await expect(page.get_by_text("This conversation is closed.")).to_have_count(0)


async def test_earlier_messages_are_there_on_demand(door: Door) -> None:
    customer = await door.system.new_customer()
    number = await door.system.new_order(customer, 500)
    ticket_id = await _ask(customer, number, "message 0")
    for count in range(1, 104):
        await customer.post(f"/tickets/{ticket_id}/messages", {"text": f"message {count}"})
    page = await door.open("operator", f"/admin/tickets/{ticket_id}")
    await expect(page.get_by_text("message 103", exact=True)).to_be_visible()
    await expect(page.get_by_text("message 0", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Earlier messages").click()
    await expect(page.get_by_text("message 0", exact=True)).to_have_count(1)
    await expect(page.locator(".message")).to_have_count(104)


async def test_money_that_moves_for_the_order_is_a_line_of_its_conversation(door: Door) -> None:
    customer = await door.system.new_customer(500)
    number = await door.system.new_order(customer, 500)
    ticket_id = await _ask(customer, number)
    page = await door.open("operator", f"/admin/tickets/{ticket_id}")
    await customer.post(f"/orders/{number}/payments", {})
    await expect(page.locator(".message.operation")).to_contain_text("Paid: $5.00")
