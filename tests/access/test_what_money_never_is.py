"""What money can never be, whoever asks: refused by the database, also to billing's own role."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.access.test_database_rights import connect
from tests.installation import Installation

GOOD = {
    "id": "$transfer",
    "customer_id": "$customer",
    "account_version": 1,
    "debit_account": "$shop",
    "credit_account": "$customer",
    "amount_minor": 5,
    "currency": "'USD'",
    "kind": "'deposit'",
    "balance_after_minor": 5,
    "made_by": "'somebody'",
}
NEVER: dict[str, dict[str, object]] = {
    "nothing": {"amount_minor": 0},
    "less than nothing": {"amount_minor": -5},
    "more than a number holds": {"amount_minor": 2**63},
    "a part of the smallest unit": {"amount_minor": "'NaN'::float8"},
    "another currency on both sides": {"currency": "'EUR'"},
    "from one currency into another": {"debit_account": "$foreign_shop"},
    "from nowhere": {"debit_account": "NULL"},
    "from an account that there is not": {"debit_account": "gen_random_uuid()"},
    "to oneself": {"debit_account": "$customer"},
    "between others": {"customer_id": "$other_customer"},
    "in the wrong direction": {"kind": "'withdrawal'"},
    "of an unknown kind": {"kind": "'gift'"},
    "paid for no order": {"kind": "'payment'", "debit_account": "$customer", "credit_account": "$shop"},
    "a deposit for an order": {"order_number": "'ORD-0000000001'"},
    "by nobody": {"made_by": "NULL"},
}
ACCOUNTS = {
    "overdrawn": "UPDATE accounts SET balance_minor = -1 WHERE id = '{customer}'",
    "held beyond the balance": "UPDATE accounts SET held_minor = balance_minor + 1 WHERE id = '{customer}'",
    "held below nothing": "UPDATE accounts SET held_minor = -1 WHERE id = '{customer}'",
    "beyond what JSON tells exactly": "UPDATE accounts SET balance_minor = 9007199254740992 WHERE id = '{customer}'",
    "the shop's with a balance": "UPDATE accounts SET balance_minor = 1 WHERE id = '{shop}'",
    "of another currency than its transfers": "UPDATE accounts SET currency = 'EUR' WHERE id = '{customer}'",
}


@pytest.fixture
async def ledger(installation: Installation) -> AsyncIterator[tuple[asyncpg.Connection, dict[str, str]]]:
    """Billing's role in a transaction that is undone, with a customer's account, one transfer, and the shop's."""
    connection = await connect(installation, "billing")
    undone = connection.transaction()
    await undone.start()
    names = {name: str(uuid4()) for name in ("customer", "other_customer", "shop", "foreign_shop", "transfer")}
    for name, (kind, currency) in {
        "customer": ("customer", "USD"),
        "other_customer": ("customer", "USD"),
        "shop": ("cash", "USD"),
        "foreign_shop": ("cash", "EUR"),
    }.items():
        await connection.execute(
            "INSERT INTO accounts (id, kind, currency) VALUES ($1, $2, $3)", names[name], kind, currency
        )
    yield connection, names
    await undone.rollback()
    await connection.close()


def transfer(names: dict[str, str], **other: Any) -> str:
    values = {**GOOD, **other}
    said = [re.sub(r"^\$(\w+)$", lambda found: f"'{names[found[1]]}'", str(value)) for value in values.values()]
    return f"INSERT INTO transfers ({', '.join(values)}) VALUES ({', '.join(said)})"


async def test_a_transfer_that_cannot_be_is_refused(ledger: tuple[asyncpg.Connection, dict[str, str]]) -> None:
    connection, names = ledger
    for what, other in NEVER.items():
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)):
            async with connection.transaction():
                await connection.execute(transfer(names, **other))
            raise AssertionError(what)
    await connection.execute(transfer(names))
    with pytest.raises(asyncpg.UniqueViolationError):
        async with connection.transaction():
            await connection.execute(transfer(names, id=f"'{uuid4()}'"))


async def test_a_balance_that_cannot_be_is_refused(ledger: tuple[asyncpg.Connection, dict[str, str]]) -> None:
    connection, names = ledger
    await connection.execute(transfer(names))
    for what, statement in ACCOUNTS.items():
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
            async with connection.transaction():
                await connection.execute(statement.format(**names))
            raise AssertionError(what)
