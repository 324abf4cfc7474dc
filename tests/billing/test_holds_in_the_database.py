"""What the database refuses of withdrawals that wait, whatever the code above it does."""

import pytest
from sqlalchemy.exc import DBAPIError

from shared.db import Database
from tests.billing.conftest import Customer
from tests.billing.holds import LIMIT, Till


@pytest.fixture
async def till(customer: Customer, owner: Database) -> Till:
    """Of somebody with ten times the limit."""
    await customer.deposit(10 * LIMIT)
    return Till(customer, owner)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("state = 'approved', decided_by = asked_by, decided_at = now(), transfer_id = {transfer}", "another_person"),
        ("state = 'approved', decided_by = 'boss', decided_at = now()", "approved_with_its_transfer"),
        ("state = 'approved', decided_at = now(), transfer_id = {transfer}", "decided_by_somebody"),
        (
            "state = 'approved', decided_by = 'boss', decided_at = now() + interval '8 days', transfer_id = {transfer}",
            "approved_in_time",
        ),
        ("state = 'refused', decided_by = 'boss', decided_at = now()", "else_released"),
        ("state = 'lost', decided_at = now()", "state_known"),
        ("amount_minor = 1", "permission denied"),
        ("asked_by = 'somebody'", "permission denied"),
        ("expires_at = now() + interval '1 year'", "permission denied"),
    ],
)
async def test_the_database_refuses(till: Till, change: str, reason: str) -> None:
    waits = await till.hold(2 * LIMIT)
    transfer = f"(SELECT id FROM transfers WHERE customer_id = '{till.customer.id}')"
    with pytest.raises(DBAPIError, match=reason):
        await till.rows(f"UPDATE holds SET {change.format(transfer=transfer)} WHERE id = :id RETURNING 1", id=waits.id)


@pytest.mark.parametrize("decide", ["approve", "refuse"])
async def test_the_database_refuses_a_second_decision(till: Till, decide: str) -> None:
    waits = await till.hold(2 * LIMIT)
    await getattr(till, decide)(waits)
    for change in ("state = 'waiting'", "decided_by = 'somebody'", "decision_note = 'Changed'"):
        with pytest.raises(DBAPIError, match="decided already"):
            await till.rows(f"UPDATE holds SET {change} WHERE id = :id RETURNING 1", id=waits.id)
    with pytest.raises(DBAPIError, match="permission denied"):
        await till.rows("DELETE FROM holds WHERE id = :id RETURNING 1", id=waits.id)


async def test_the_database_refuses_to_hold_more_than_there_is(till: Till) -> None:
    for held in (10 * LIMIT + 1, -1):
        with pytest.raises(DBAPIError, match="ck_accounts_never_overdrawn"):
            await till.rows("UPDATE accounts SET held_minor = :held WHERE id = :customer_id RETURNING 1", held=held)
