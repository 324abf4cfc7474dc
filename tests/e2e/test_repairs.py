"""What is found is repaired where that is safe, and is left to a person where it is not."""

import pytest

from gateway.reconciliation import findings, repairs
from gateway.reconciliation.differences import SHOP, Kind
from gateway.reconciliation.models import Finding
from gateway.reconciliation.rounds import Looking
from tests.e2e.conftest import Books, Spoil, account, gone, invoice, order, partly_paid
from tests.system import System


async def test_counts_that_are_off_are_found_and_counted_anew(purser: System, books: Books) -> None:
    customer = await purser.new_customer()
    await customer.post("/tickets", {"subject": "About", "text": "Hello"})
    await books.look()
    assert await books.kinds(customer.id, SHOP) == set()
    await books.spoil(
        "support", "UPDATE counts SET total = total + 1 WHERE customer_id = CAST(:id AS uuid)", id=customer.id
    )
    await books.spoil("support", "UPDATE shop_count SET new = new + 1")
    await books.look()
    assert await books.kinds(customer.id) == {Kind.COUNTS_OFF}
    assert await books.kinds(SHOP) == {Kind.SHOP_COUNT_OFF}
    await _repair(books, *await books.found(customer.id, SHOP))
    await books.look()
    assert await books.kinds(customer.id, SHOP) == set()
    counts = await purser.admin.get(f"/customers/{customer.id}/ticket-counts")
    assert (counts["total"], counts["new"]) == (1, 1)


async def _repair(books: Books, *found: Finding) -> list[str | None]:
    looking = Looking(books.system.databases["gateway"], books.services)
    did = [await repairs.repair(books.services, looking.books, finding, found) for finding in found]
    repaired = [finding for finding, done in zip(found, did, strict=True) if done]
    done = await repairs.arrived(looking.books, repaired)
    async with books.system.databases["gateway"].transaction() as session:
        await findings.resolve(session, done)
    return did


REPAIRED: dict[str, Spoil] = {
    "an order behind its invoice": order("paid_minor = 0, billing_version = 0"),
    "an invoice behind its order": invoice("total_minor = 500, order_version = 0"),
    "an order that billing does not know": gone("billing", "DELETE FROM invoices WHERE order_number = :n"),
}


@pytest.mark.parametrize("name", REPAIRED)
async def test_who_missed_news_is_told_again(purser: System, books: Books, name: str) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 700)
    if name != "an order that billing does not know":
        await purser.admin.post(f"/orders/{number}/payments", {"amount_minor": 300})
        await purser.settled(number)
    await REPAIRED[name](books, customer, number)
    await books.look()
    [finding] = await books.found(number)
    [did] = await _repair(books, finding)
    assert did
    assert number in did
    assert await books.found(number) == []
    assert await books.kinds(customer.id) == set()
    service = "billing" if name == "an order behind its invoice" else "orders"
    acts = await purser.rows(service, "SELECT login, act FROM acts WHERE act LIKE 'tell%' AND subject = :s", s=number)
    assert [act["login"] for act in acts] == ["root"]


async def test_what_a_person_must_decide_is_left_alone(purser: System, books: Books) -> None:
    customer, number = await partly_paid(purser)
    await account("balance_minor = balance_minor + 1")(books, customer, number)
    await order("total_minor = 600")(books, customer, number)
    await books.look()
    found = await books.found(number, customer.id)
    # Told again, a total that was set by hand would make billing pay money back.
    assert {finding.kind for finding in found} == {Kind.BALANCE_OFF, Kind.INVOICE_BEHIND, Kind.ORDER_OFF}
    assert await _repair(books, *found) == [None, None, None]
    assert (await purser.admin.get(f"/customers/{customer.id}/balance"))["balance_minor"] == 701
