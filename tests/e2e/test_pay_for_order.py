"""The flow that everything else serves, through all four services, as two browsers see it."""

from uuid import uuid4

from prometheus_client import REGISTRY
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.elsewhere import of_this_process
from tests.eventually import eventually
from tests.system import System


async def test_paying_marks_the_order_and_its_items_paid_on_both_sites_at_once(purser: System) -> None:
    customer = await purser.new_customer(10_000)
    number = await purser.new_order(customer, 2_000, 3_000, delivery_minor=500)
    staff = purser.people["financier"]
    page = await staff.get(f"/orders/{number}")
    assert (page["status"], page["remaining_minor"]) == ("awaiting_payment", 5_500)
    assert "pay" in page["actions"]

    async with staff.live() as admin_site, customer.live() as portal:
        await admin_site.shows("snapshot")
        await portal.shows("snapshot")
        body = {"expected_remaining_minor": 5_500}
        payment = await staff.post(f"/orders/{number}/payments", body)
        assert (payment["paid_minor"], payment["remaining_minor"], payment["order_status"]) == (5_500, 0, "paid")
        for site in (admin_site, portal):
            await site.shows("order_changed", number=number, status="paid")
            await site.shows("balance_changed", customer_id=customer.id, available_minor=4_500)

    truth = await purser.settled(number)
    page = truth["page"]
    assert (page["status"], page["paid_minor"], page["remaining_minor"]) == ("paid", 5_500, 0)
    assert page["item_counts"] == [{"status": "paid", "count": 2}]
    assert page["customer"]["available_minor"] == 4_500
    assert "pay" not in page["actions"]
    assert truth["transfers"] == [("payment", 5_500, None)]


async def test_a_payment_in_part_leaves_the_items_as_they_are_until_the_rest_is_paid(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600, 400)
    await customer.post(f"/orders/{number}/payments", {"amount_minor": 700})
    truth = await purser.settled(number)
    assert (truth["page"]["status"], truth["page"]["remaining_minor"]) == ("awaiting_payment", 300)
    assert set(truth["items"].values()) == {"awaiting_payment"}

    await customer.post(f"/orders/{number}/payments", {})
    truth = await purser.settled(number)
    assert (truth["page"]["status"], set(truth["items"].values())) == ("paid", {"paid"})


async def test_a_payment_sent_again_is_answered_again_and_made_once(purser: System) -> None:
    customer = await purser.new_customer(2_000)
    number = await purser.new_order(customer, 900)
    key = str(uuid4())
    first = await customer.post(f"/orders/{number}/payments", {}, key)
    again = await customer.post(f"/orders/{number}/payments", {}, key)
    assert first == again
    assert (await purser.settled(number))["transfers"] == [("payment", 900, None)]


async def test_an_item_that_dies_returns_its_share_naming_order_and_item(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600, 400)
    await customer.post(f"/orders/{number}/payments", {})
    await purser.settled(number)

    answer = await purser.admin.ask("PATCH", f"/orders/{number}/items/2", {"status": "unable_to_deliver"})
    assert answer.status_code == 200, answer.text

    truth = await purser.settled(number)
    assert truth["transfers"] == [("payment", 1_000, None), ("refund", 400, 2)]
    assert truth["items"] == {1: "paid", 2: "unable_to_deliver"}
    assert (truth["page"]["status"], truth["page"]["customer"]["balance_minor"]) == ("paid", 400)


async def test_a_cancelled_order_gives_everything_back_and_stays_cancelled(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    await customer.post(f"/orders/{number}/payments", {})
    await purser.settled(number)
    page = await purser.admin.post(f"/orders/{number}/cancellation", {"reason": "changed their mind"})
    assert page["status"] == "cancelled"
    truth = await purser.settled(number)
    assert truth["transfers"] == [("payment", 600, None), ("refund", 600, None)]
    assert truth["page"]["status"] == "cancelled"
    assert (await customer.get("/balance"))["balance_minor"] == 1_000
    assert (await purser.admin.post(f"/orders/{number}/cancellation", {}))["status"] == "cancelled"


async def test_a_raised_price_waits_for_the_customer_and_then_for_the_rest(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600, 100)
    await customer.post(f"/orders/{number}/payments", {})
    await purser.settled(number)

    await purser.admin.ask("PATCH", f"/orders/{number}/items/1", {"unit_price_minor": 800})
    truth = await purser.settled(number)
    assert (truth["page"]["status"], truth["page"]["remaining_minor"]) == ("awaiting_additional_payment", 200)
    assert truth["items"] == {1: "price_confirmation", 2: "paid"}

    await customer.post(f"/orders/{number}/items/1/acceptance", {})
    await customer.post(f"/orders/{number}/payments", {"expected_remaining_minor": 200})
    truth = await purser.settled(number)
    assert (truth["page"]["status"], set(truth["items"].values())) == ("paid", {"paid"})


async def test_money_moved_for_an_order_is_a_line_of_its_conversation(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    begun = {"subject": "About my order", "text": "When will it come?", "order_number": number}
    ticket = (await customer.post("/tickets", begun))["ticket"]["id"]
    async with customer.live() as portal:
        await portal.shows("snapshot")
        await customer.post(f"/orders/{number}/payments", {})
        line = await portal.shows_message(ticket, author="system")
        assert line["operation"]["amount_minor"] == 600


async def test_new_tickets_are_counted_live_on_every_site_that_may_see_them(purser: System) -> None:
    customer, stranger = await purser.new_customer(), await purser.new_customer()
    operator = purser.people["operator"]
    async with operator.live() as staff, customer.live() as own, stranger.live() as foreign:
        for site in (staff, own, foreign):
            await site.shows("snapshot")
        ticket = await customer.post("/tickets", {"subject": "Hello", "text": "Is anybody there?"})
        counts = {"customer_id": customer.id, "new": 1, "total": 1}
        assert (await staff.shows("ticket_counts_changed", **counts))["shop_new"] >= 1
        assert "shop_new" not in await own.shows("ticket_counts_changed", **counts)

        await operator.post(f"/tickets/{ticket['ticket']['id']}/read", {})
        await staff.shows("ticket_counts_changed", customer_id=customer.id, new=0, total=1)
        assert [event for event, _ in foreign.seen if event != "snapshot"] == []


async def test_a_stream_resumes_where_it_was_left(purser: System) -> None:
    customer = await purser.new_customer()
    async with customer.live() as portal:
        await portal.shows("snapshot")
        await purser.admin.post(f"/customers/{customer.id}/deposits", {"amount_minor": 1, "currency": "USD"})
        await portal.shows("balance_changed", balance_minor=1)
        left_at = portal.last_id
    await purser.admin.post(f"/customers/{customer.id}/deposits", {"amount_minor": 2, "currency": "USD"})
    async with customer.live(left_at) as portal:
        await portal.shows("balance_changed", balance_minor=3)
    async with customer.live("unknown:1") as portal:
        snapshot = await portal.shows("snapshot")
        assert snapshot["balance"]["balance_minor"] == 3


@of_this_process
async def test_all_that_a_click_causes_bears_its_one_id(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    trace = uuid4().hex
    with capture_logs(processors=[merge_contextvars]) as logs:
        customer.http.headers["traceparent"] = f"00-{trace}-{trace[:16]}-01"
        payment = await customer.ask("POST", f"/orders/{number}/payments", {})
        del customer.http.headers["traceparent"]
        assert payment.headers["x-correlation-id"] == trace
        await purser.settled(number)

        async def is_logged() -> bool:
            taken = [line for line in logs if line.get("correlation_id") == trace and line["event"] == "event taken"]
            return "orders.on.billing.order_paid.v1" in [line["queue"] for line in taken]

        # After its commit, which is what settles the order.
        await eventually(is_logged, "orders logs that it has taken the event")
    ours = [line for line in logs if line.get("correlation_id") == trace]
    answered = [line["path"] for line in ours if line["event"] == "answered"]
    assert answered == [f"/orders/{number}/payments", f"/api/portal/orders/{number}/payments"]
    told = await purser.rows(
        "orders",
        "SELECT 1 FROM outbox_archive WHERE subject = :n AND correlation_id = :t",
        n=number,
        t=trace,
    )
    assert told


@of_this_process
async def test_a_payment_is_counted_and_timed_on_its_way(purser: System) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 600)
    queue = {"queue": "orders.on.billing.order_paid.v1"}
    paths = {"method": "POST", "route": "/api/portal/orders/{number}/payments", "status": "201"}
    measured = (
        ("purser_outbox_sent_total", {"type": "billing.order_paid.v1"}),
        ("purser_event_age_seconds_count", queue),
        ("purser_http_request_duration_seconds_count", paths),
    )

    def counted() -> list[float]:
        return [REGISTRY.get_sample_value(name, labels) or 0 for name, labels in measured]

    before = counted()
    await customer.post(f"/orders/{number}/payments", {})

    async def each_once_more() -> bool:
        return counted() == [each + 1 for each in before]

    await eventually(each_once_more, "it is counted")
    await purser.settled(number)
    assert await each_once_more()
    assert REGISTRY.get_sample_value("purser_database_connections_in_use") is not None
    assert REGISTRY.get_sample_value("purser_database_connections_most") == 10
