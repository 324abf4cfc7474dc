"""What still works while something is down, and that nothing is lost when it is back."""

from tests.eventually import eventually
from tests.system import System


async def test_while_the_broker_is_away_payments_are_taken_and_the_news_leaves_afterwards(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    with purser.links["broker"].cut():
        payment = await customer.post(f"/orders/{number}/payments", {})
        assert payment["order_status"] == "paid"
        deposit = {"amount_minor": 50, "currency": "USD"}
        await purser.admin.post(f"/customers/{customer.id}/deposits", deposit)
        page = await purser.admin.get(f"/orders/{number}")
        assert (page["status"], page["customer"]["balance_minor"]) == ("awaiting_payment", 450)
        assert page["unavailable"] == []
    truth = await purser.settled(number)
    assert (truth["page"]["status"], truth["transfers"]) == ("paid", [("payment", 600, None)])


async def test_after_the_broker_was_away_browsers_are_told_the_present_state(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    async with customer.live() as portal:
        await portal.shows("snapshot")
        with purser.links["broker"].cut():
            await customer.post(f"/orders/{number}/payments", {})
        await purser.settled(number)

        async def shown() -> bool:
            told = [data for event, data in portal.seen if event == "order_changed" and data["status"] == "paid"]
            snapshots = [data for event, data in portal.seen if event == "snapshot"]
            orders = {order["number"]: order["status"] for order in snapshots[-1]["orders"] or ()}
            return bool(told) or orders.get(number) == "paid"

        await eventually(shown, "the portal shows the order paid")


async def test_a_service_that_is_down_is_named_and_the_rest_of_the_page_is_there(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    with purser.links["billing"].cut():
        page = await purser.admin.get(f"/orders/{number}")
        assert page["unavailable"] == ["billing"]
        assert page["customer"]["balance_minor"] is None
        assert (page["customer"]["login"], page["tickets"]) == (customer.login, {"new": 0, "total": 0})
        assert "pay" not in page["actions"]
        refused = await customer.ask("POST", f"/orders/{number}/payments", {})
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["retry-after"]
    with purser.links["support"].cut():
        page = await purser.admin.get(f"/orders/{number}")
        assert (page["unavailable"], page["tickets"]) == (["support"], None)
        assert "add_comment" not in page["actions"]
        assert "pay" in page["actions"]
    with purser.links["orders"].cut():
        refused = await purser.admin.ask("GET", f"/orders/{number}")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert (await customer.get("/balance"))["balance_minor"] == 1_000
    assert (await purser.admin.get(f"/orders/{number}"))["unavailable"] == []


async def test_an_order_that_billing_has_not_heard_of_can_be_paid_in_a_moment(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    with purser.links["broker"].cut():
        number = await purser.new_order(customer, 600, known=False)
        refused = await customer.ask("POST", f"/orders/{number}/payments", {})
        assert (refused.status_code, refused.json()["code"]) == (503, "not_known_yet")
        assert refused.headers["retry-after"] == "1"
    await purser.billing_knows(number)
    assert (await customer.post(f"/orders/{number}/payments", {}))["order_status"] == "paid"
