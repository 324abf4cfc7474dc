"""What billing tells of its books: what is kept, beside what the transfers say."""

from uuid import UUID

import pytest
from sqlalchemy import text

from services.billing.commands.tell_invoice_again import tell_invoice_again
from services.billing.errors import NothingToTell
from services.billing.positions import list_account_positions, list_invoice_positions
from shared.auth import Caller, Role
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.contracts.http.reconciliation import AccountPosition, InvoicePosition
from shared.db import Database
from shared.errors import Forbidden
from tests.billing.conftest import FINANCIER, Customer
from tests.billing.holds import LIMIT, Till

ADMIN = Caller("root", Role.ADMIN)


async def spoil(owner: Database, statement: str, **values: object) -> None:
    async with owner.transaction() as session:
        await session.execute(text(statement), values)


async def invoice(customer: Customer, *numbers: str) -> list[InvoicePosition]:
    async with customer.database.transaction() as session:
        return await list_invoice_positions(session, None, numbers, 100)


async def account(customer: Customer) -> AccountPosition:
    async with customer.database.transaction() as session:
        [told] = await list_account_positions(session, UUID(int=customer.id.int - 1), 1)
    assert told.customer_id == customer.id
    return told


async def test_what_billing_keeps_is_what_its_transfers_say(customer: Customer) -> None:
    await customer.deposit(1_000)
    number = await customer.hear(customer.order(600))
    await customer.pay(number)
    await customer.hear(customer.order(450, 2, number))
    [told] = await invoice(customer, number)
    assert told.invoice is not None
    assert (told.invoice.paid_minor, told.transferred_minor) == (450, 450)
    assert (told.invoice.order_version, told.invoice.version, told.invoice.cancelled) == (2, 2, False)
    money = await account(customer)
    assert (money.balance_minor, money.transferred_minor) == (550, 550)
    assert (money.version, money.changes, money.last_version) == (3, 3, 3)


async def test_figures_that_the_transfers_do_not_bear_out_are_seen(customer: Customer, owner: Database) -> None:
    await customer.deposit(1_000)
    number = await customer.hear(customer.order(600))
    await spoil(owner, "UPDATE invoices SET paid_minor = 600 WHERE order_number = :n", n=number)
    await spoil(owner, "UPDATE accounts SET balance_minor = 999, version = 2 WHERE id = :id", id=customer.id)
    [told] = await invoice(customer, number)
    assert told.invoice is not None
    assert (told.invoice.paid_minor, told.transferred_minor) == (600, 0)
    money = await account(customer)
    assert (money.balance_minor, money.transferred_minor) == (999, 1_000)
    assert (money.version, money.changes) == (2, 1)


async def test_withdrawals_that_wait_explain_what_is_held_and_the_versions_between(
    customer: Customer, owner: Database
) -> None:
    await customer.deposit(10 * LIMIT)
    till = Till(customer, owner)
    approved, refused, _ = [await till.hold(2 * LIMIT) for _ in range(3)]
    await till.approve(approved)
    await till.refuse(refused)
    money = await account(customer)
    assert (money.balance_minor, money.transferred_minor) == (8 * LIMIT, 8 * LIMIT)
    assert (money.held_minor, money.waiting_minor) == (2 * LIMIT, 2 * LIMIT)
    assert (money.version, money.changes, money.last_version) == (6, 6, 6)
    await spoil(owner, "UPDATE accounts SET held_minor = 1, version = 7 WHERE id = :id", id=customer.id)
    spoilt = await account(customer)
    assert (spoilt.held_minor, spoilt.waiting_minor) == (1, 2 * LIMIT)
    assert (spoilt.version, spoilt.changes, spoilt.last_version) == (7, 6, 6)
    # Put right again: whoever decides what waits there must not meet what we have made up.
    mended = f"UPDATE accounts SET held_minor = {2 * LIMIT}, version = 6 WHERE id = :id"
    await spoil(owner, mended, id=customer.id)


async def test_a_payment_without_an_invoice_is_seen_among_the_others(customer: Customer, owner: Database) -> None:
    await customer.deposit(1_000)
    number = await customer.hear(customer.order(600))
    await customer.pay(number)
    await spoil(owner, "DELETE FROM invoices WHERE order_number = :n", n=number)
    assert await invoice(customer, number) == [
        InvoicePosition(order_number=number, invoice=None, transferred_minor=600)
    ]
    before = f"ORD-{int(number.removeprefix('ORD-')) - 1:010d}"
    async with customer.database.transaction() as session:
        assert [told.order_number for told in await list_invoice_positions(session, before, (), 1)] == [number]
    assert await invoice(customer, "ORD-9999999998") == []


async def test_invoices_come_in_parts_by_number_and_each_once(customer: Customer) -> None:
    await customer.deposit(1_000)
    numbers = sorted([await customer.hear(customer.order(600)) for _ in range(5)])
    for number in numbers[:2]:
        await customer.pay(number, amount_minor=100)
        await customer.pay(number, amount_minor=100)
    seen: list[str] = []
    after = f"ORD-{int(numbers[0].removeprefix('ORD-')) - 1:010d}"
    while True:
        async with customer.database.transaction() as session:
            part = await list_invoice_positions(session, after, (), 2)
        seen += [told.order_number for told in part]
        if len(part) < 2:
            break
        after = seen[-1]
    assert [number for number in seen if number in numbers] == numbers
    assert seen == sorted(set(seen))


async def test_an_invoice_told_again_is_a_new_version_of_the_same_facts(customer: Customer) -> None:
    await customer.deposit(1_000)
    number = await customer.hear(customer.order(600))
    with pytest.raises(NothingToTell):
        await _tell(customer, number)
    await customer.pay(number)
    before = await customer.figures(number)
    await _tell(customer, number)
    await customer.hear(customer.order(450, 2, number))
    await _tell(customer, number)
    told = await _told(customer, number)
    assert [(each.version, each.paid_minor, type(each)) for each in told] == [
        (1, 600, OrderPaid),
        (2, 600, OrderPaid),
        (3, 450, OrderRefunded),
        (4, 450, OrderRefunded),
    ]
    assert told[0].transfer_id == told[1].transfer_id
    assert told[2].transfer_id == told[3].transfer_id
    assert before["balance_minor"] == 400
    assert (await customer.figures(number))["balance_minor"] == 550
    with pytest.raises(Forbidden):
        await _tell(customer, number, FINANCIER)


async def _tell(customer: Customer, number: str, caller: Caller = ADMIN) -> None:
    async with customer.database.transaction() as session:
        await tell_invoice_again(session, caller, number)


async def _told(customer: Customer, number: str) -> list[OrderPaid | OrderRefunded]:
    async with customer.database.transaction() as session:
        rows = await session.execute(
            text("SELECT routing_key, body FROM outbox WHERE subject = :n ORDER BY version"), {"n": number}
        )
        kinds = {kind.routing_key: kind for kind in (OrderPaid, OrderRefunded)}
        return [kinds[row.routing_key].model_validate_json(row.body) for row in rows]
