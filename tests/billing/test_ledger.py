"""What the database refuses, whatever the code above it does."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.errors import BalanceTooLarge
from services.billing.models import ShopAccount
from tests.billing.conftest import Customer

INSERT = (
    "INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,"
    " kind, balance_after_minor, made_by) VALUES (gen_random_uuid(), '{customer}', 99, '{debit}', '{credit}', {amount},"
    " '{currency}', '{kind}', 0, 'test')"
)


async def _refused(customer: Customer, statement: str) -> str:
    with pytest.raises(DBAPIError) as refusal:
        async with customer.database.transaction() as session:
            await session.execute(text(statement))
    return str(refusal.value.orig)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount_minor = 1",
        "DELETE FROM transfers",
        "TRUNCATE transfers",
        "ALTER TABLE transfers DISABLE TRIGGER ALL",
        "DROP TABLE transfers",
        "DELETE FROM accounts",
        "DELETE FROM invoices",
        "DELETE FROM acts",
        "UPDATE acts SET login = 'nobody'",
        "DELETE FROM outbox_archive",
        "CREATE TABLE mine (id int)",
        "SET session_replication_role = replica",
    ],
)
async def test_the_service_cannot_rewrite_history(customer: Customer, statement: str) -> None:
    reason = await _refused(customer, statement)
    assert "permission denied" in reason or "must be owner" in reason


@pytest.mark.parametrize("amount", [0, -1])
async def test_a_transfer_of_nothing_or_less_is_refused(customer: Customer, amount: int) -> None:
    await customer.deposit(1)
    cash = ShopAccount.CASH.id("USD")
    statement = INSERT.format(
        customer=customer.id, debit=cash, credit=customer.id, amount=amount, currency="USD", kind="deposit"
    )
    assert "ck_transfers_amount_positive" in await _refused(customer, statement)


async def test_a_transfer_between_currencies_is_refused(customer: Customer) -> None:
    await customer.deposit(1)
    cash = ShopAccount.CASH.id("USD")
    statement = INSERT.format(
        customer=customer.id, debit=cash, credit=customer.id, amount=1, currency="EUR", kind="deposit"
    )
    assert "fk_" in await _refused(customer, statement)


async def test_a_transfer_in_the_wrong_direction_is_refused(customer: Customer) -> None:
    await customer.deposit(1)
    cash = ShopAccount.CASH.id("USD")
    statement = INSERT.format(
        customer=customer.id, debit=customer.id, credit=cash, amount=1, currency="USD", kind="deposit"
    )
    assert "ck_transfers_direction" in await _refused(customer, statement)


async def test_a_balance_cannot_be_set_below_zero(customer: Customer) -> None:
    await customer.deposit(1)
    statement = f"UPDATE accounts SET balance_minor = -1 WHERE id = '{customer.id}'"
    assert "ck_accounts_never_overdrawn" in await _refused(customer, statement)


async def test_more_cannot_be_paid_than_an_order_costs(customer: Customer) -> None:
    number = await customer.hear(customer.order(100))
    statement = f"UPDATE invoices SET paid_minor = 101 WHERE order_number = '{number}'"
    assert "ck_invoices_never_more_than_the_total" in await _refused(customer, statement)


async def test_a_balance_equals_its_transfers_for_any_reader_during_load(customer: Customer) -> None:
    await customer.deposit(100)
    wrong = []
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            async with customer.database.transaction() as session:
                await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
                row = await session.execute(
                    text(
                        "SELECT a.balance_minor, (SELECT sum(CASE WHEN credit_account = a.id THEN amount_minor"
                        " ELSE -amount_minor END) FROM transfers WHERE customer_id = a.id)"
                        " FROM accounts a WHERE id = :id"
                    ),
                    {"id": customer.id},
                )
                balance, summed = row.one()
                if balance != summed:
                    wrong.append((balance, summed))

    reader = asyncio.create_task(read())
    await asyncio.gather(*(customer.deposit(3) if i % 3 else customer.withdraw(2) for i in range(60)))
    done.set()
    await reader
    assert wrong == []


async def test_no_reader_ever_sees_a_change_without_its_news(customer: Customer) -> None:
    await customer.deposit(100)
    untold = []
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            async with customer.database.transaction() as session:
                await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
                row = await session.execute(
                    text(
                        "SELECT version, (SELECT count(*) FROM (SELECT subject FROM outbox UNION ALL"
                        " SELECT subject FROM outbox_archive) told WHERE subject = id::text)"
                        " FROM accounts WHERE id = :id"
                    ),
                    {"id": customer.id},
                )
                changes, told = row.one()
                if changes != told:
                    untold.append((changes, told))

    reader = asyncio.create_task(read())
    await asyncio.gather(*(customer.deposit(1) for _ in range(60)))
    done.set()
    await reader
    assert untold == []


async def test_money_is_exact_up_to_what_json_can_show(customer: Customer) -> None:
    async with customer.database.transaction() as session:
        await session.execute(
            text("INSERT INTO accounts (id, kind, currency, balance_minor) VALUES (:id, 'customer', 'USD', :much)"),
            {"id": customer.id, "much": 2**53 - 2},
        )
    await customer.deposit(1)
    with pytest.raises(BalanceTooLarge):
        await customer.deposit(1)


async def test_two_accounts_are_opened_at_once_without_a_quarrel(customer: Customer) -> None:
    customers = [Customer(customer.database, uuid4()) for _ in range(10)]
    await asyncio.gather(*(each.deposit(1) for each in customers for _ in range(2)))
    assert [(await each.deposit(1)).balance_minor for each in customers] == [3] * 10
