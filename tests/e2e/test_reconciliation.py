"""Defects of each kind, put into the databases by hand, are all found and shown; what is merely on its way never is."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from unittest.mock import Mock

import pytest
from prometheus_client import REGISTRY

from gateway.reconciliation import books as reconciliation
from gateway.reconciliation import findings, schedule
from gateway.reconciliation.differences import Kind, Pair
from tests.e2e.conftest import Books, Spoil, account, digits, gone, invoice, order, partly_paid
from tests.eventually import eventually
from tests.people import Person
from tests.system import System


async def paid_without_order(books: Books, _: Person, number: str) -> None:
    await books.spoil("orders", "DELETE FROM items WHERE order_number = :n", n=digits(number))
    await books.spoil("orders", "DELETE FROM orders WHERE number = :n", n=digits(number))


# Each is done to an order of 700 of which 300 are paid, by a customer who has 700 left.
DEFECTS: dict[str, tuple[Spoil, set[Kind]]] = {
    "a payment without its order": (paid_without_order, {Kind.ORDER_MISSING}),
    "a payment without its invoice": (
        gone("billing", "DELETE FROM invoices WHERE order_number = :n"),
        {Kind.INVOICE_MISSING},
    ),
    "an order that is paid, without a payment": (
        order("paid_minor = 700, status = 'paid'"),
        {Kind.PAID_DIFFERS, Kind.ORDER_OFF},
    ),
    "a status set by hand": (order("status = 'completed'"), {Kind.ORDER_OFF}),
    "a total set by hand": (order("total_minor = 600"), {Kind.ORDER_OFF, Kind.INVOICE_BEHIND}),
    "an invoice's total set by hand": (invoice("total_minor = 600, order_version = 2"), {Kind.COST_DIFFERS}),
    "an invoice behind its order": (
        invoice("total_minor = 500, order_version = 0"),
        {Kind.INVOICE_BEHIND},
    ),
    "an invoice ahead of its order": (invoice("order_version = 99"), {Kind.INVOICE_AHEAD}),
    "an order behind its invoice": (
        order("paid_minor = 0, billing_version = 0"),
        {Kind.PAYMENT_UNSETTLED},
    ),
    "an order ahead of its invoice": (order("billing_version = 9"), {Kind.ORDER_AHEAD}),
    "an invoice that says that more was paid": (
        invoice("paid_minor = 400"),
        {Kind.INVOICE_OFF, Kind.PAID_DIFFERS},
    ),
    "a payment that is gone": (
        gone("billing", "DELETE FROM transfers WHERE order_number = :n"),
        {Kind.INVOICE_OFF, Kind.BALANCE_OFF, Kind.TRANSFERS_MISSING},
    ),
    "a balance that is off": (account("balance_minor = balance_minor + 1"), {Kind.BALANCE_OFF}),
    "held money that no withdrawal waits for": (account("held_minor = 1"), {Kind.HELD_OFF}),
    "a balance's version that is off": (account("version = version + 1"), {Kind.TRANSFERS_MISSING}),
}


async def test_defects_of_each_kind_are_found_and_nothing_is_repaired_silently(purser: System, books: Books) -> None:
    cases = {name: await partly_paid(purser) for name in DEFECTS}
    sound = await partly_paid(purser)
    for name, (customer, number) in cases.items():
        await DEFECTS[name][0](books, customer, number)
    await books.look()
    found = {name: await books.kinds(number, customer.id) for name, (customer, number) in cases.items()}
    assert found == {name: {kind.value for kind in kinds} for name, (_, kinds) in DEFECTS.items()}
    assert await books.kinds(sound[1], sound[0].id) == set()
    first = {finding.id for customer, number in cases.values() for finding in await books.found(number, customer.id)}
    await books.look()
    again = {finding.id for customer, number in cases.values() for finding in await books.found(number, customer.id)}
    assert again == first


async def test_payments_on_their_way_are_no_finding(purser: System, books: Books) -> None:
    """Looked at again and again while a customer pays and staff change the order: somebody is always behind."""
    customer = await purser.new_customer(100_000)
    number = await purser.new_order(customer, 50_000, 50_000)
    stop = asyncio.Event()

    async def busy() -> None:
        price = 50_000
        while not stop.is_set():
            await customer.ask("POST", f"/orders/{number}/payments", {"amount_minor": 1})
            price -= 1
            await purser.admin.ask("PATCH", f"/orders/{number}/items/1", {"unit_price_minor": price})

    working = asyncio.create_task(busy())
    for _ in range(3):
        await books.look(settle_seconds=1)
        assert await books.kinds(number, customer.id) == set()
    stop.set()
    await working
    await purser.settled(number)
    await books.look()
    assert await books.kinds(number, customer.id) == set()


async def test_a_payment_that_does_not_arrive_is_found_and_gone_when_it_has(purser: System, books: Books) -> None:
    customer = await purser.new_customer(1_000)
    number = await purser.new_order(customer, 700)
    with purser.links["broker"].cut():
        await purser.admin.post(f"/orders/{number}/payments", {})
        await books.look_at_the_latest()
        assert await books.kinds(number) == {Kind.PAYMENT_UNSETTLED}
    await purser.settled(number)
    await books.look_at_the_latest()
    assert await books.kinds(number) == set()


async def test_what_was_told_is_looked_at_once(purser: System, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whichever service, and by whoever looked last; who has not looked before looks at what was told lately."""
    looked_at: list[str] = []
    look_again = reconciliation.Books.look_again

    def noting(self: reconciliation.Books, numbers: Sequence[str]) -> AsyncIterator[Pair]:
        looked_at.extend(numbers)
        return look_again(self, numbers)

    monkeypatch.setattr(reconciliation.Books, "look_again", noting)
    database, clients = purser.databases["gateway"], Mock(on_behalf_of=lambda _: books.services)
    _, number = await partly_paid(purser)
    for service in ("orders", "billing"):
        await books.told_earlier(service, number, seconds=100)
    async with findings.alone(database, "latest reconciliation"):
        last = await schedule.look_at_the_latest(database, clients, -math.inf, settle_seconds=0.1)
    assert last == -math.inf
    assert number not in looked_at
    last = await schedule.look_at_the_latest(database, clients, last, settle_seconds=0.1)
    assert looked_at.count(number) == 1
    await schedule.look_at_the_latest(database, clients, last, settle_seconds=0.1)
    assert looked_at.count(number) == 1
    await books.told_earlier("billing", number, seconds=0)
    await schedule.look_at_the_latest(database, clients, last, settle_seconds=0.1)
    assert looked_at.count(number) == 2


async def test_staff_see_findings_on_the_order_and_in_their_list_and_customers_do_not(
    purser: System, books: Books
) -> None:
    customer, number = await partly_paid(purser)
    await account("balance_minor = balance_minor + 1")(books, customer, number)
    await order("status = 'completed'")(books, customer, number)
    await books.look()
    page = await purser.people["operator"].get(f"/orders/{number}")
    shown = [(finding["kind"], finding["subject"]) for finding in page["findings"]]
    assert sorted(shown) == [("balance_off", customer.id), ("order_off", number)]
    assert (await customer.get(f"/orders/{number}"))["findings"] == []
    listed = await purser.people["operator"].get("/findings?resolved=false&limit=1")
    assert listed["next"]
    assert listed["reconciled_at"]
    assert (await customer.http.get("/api/admin/findings")).status_code == 403
    await order("status = 'awaiting_payment'")(books, customer, number)
    await books.look()
    resolved = await purser.people["operator"].get("/findings?resolved=true&limit=100")
    assert [each["kind"] for each in resolved["items"] if each["subject"] == number] == ["order_off"]


async def test_one_gateway_looks_at_a_time_when_it_is_due_and_all_of_them_show_what_it_found(
    purser: System, books: Books
) -> None:
    customer, number = await partly_paid(purser)
    await account("balance_minor = balance_minor + 1")(books, customer, number)
    database = purser.databases["gateway"]
    clients = Mock(on_behalf_of=lambda _: books.services)
    async with findings.alone(database):
        await schedule.look_through(database, clients, minutes=0.0001, settle_seconds=0.1)
    await schedule.look_through(database, clients, minutes=10_000, settle_seconds=0.1)
    assert await books.found(customer.id) == []
    await schedule.look_through(database, clients, minutes=0.0001, settle_seconds=0.1)
    assert await books.kinds(customer.id) == {Kind.BALANCE_OFF}
    await schedule.show(database)
    shown = REGISTRY.get_sample_value("purser_findings", {"kind": "balance_off"})
    assert shown
    assert shown >= 1
    assert REGISTRY.get_sample_value("purser_reconciled_timestamp_seconds")


async def test_who_is_frozen_while_it_looks_is_not_waited_for(purser: System, monkeypatch: pytest.MonkeyPatch) -> None:
    database = purser.databases["gateway"]

    async def nobody_looks() -> bool:
        async with findings.alone(database) as first:
            return first

    monkeypatch.setattr(findings, "SILENT_SECONDS", 2)
    async with findings.alone(database):
        assert not await nobody_looks()
        await eventually(nobody_looks, "another may look")
    monkeypatch.setattr(findings, "LIFE_SECONDS", 0.2)
    async with findings.alone(database):
        # Longer than PostgreSQL waits for a sign of life.
        await asyncio.sleep(3)
        assert not await nobody_looks()
    assert await nobody_looks()
