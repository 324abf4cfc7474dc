"""Payments and refunds that do not settle are counted, and after a while somebody is told to look."""

from uuid import UUID

import pytest
from sqlalchemy import text

from services.billing.queries import count_untold_payments
from services.orders.queries import count_overpaid
from shared.contracts.billing import OrderPaid
from shared.db import Database
from shared.health import Health
from shared.watching import MOST_COUNTED, watch_outbox
from tests.installation import Installation
from tests.shared.conftest import running
from tests.shared.noticing import becomes, forget, says, tell


async def test_payments_that_do_not_settle_are_counted_and_after_a_while_a_warning(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On the gateway's outbox, which is like billing's and which no process relays.
    monkeypatch.setattr("shared.watching.LOOK_SECONDS", 0.05)
    health, database = Health({}), Database(installation.database_url("gateway"))
    async with running(watch_outbox("gateway", database, health, count_untold_payments)):
        await becomes("purser_unsettled_payments", 0, service="gateway")
        subject = await tell(database, OrderPaid.routing_key)
        await becomes("purser_unsettled_payments", 1, service="gateway")
        assert "unsettled" not in health.warnings
        monkeypatch.setattr("shared.watching.LATE_SECONDS", 0.1)
        await says(health, "unsettled", "1 payments or refunds have not settled for ")
        await forget(database, subject)
        await becomes("purser_unsettled_payments", 0, service="gateway")
        await says(health, "unsettled", "")
    await database.close()


async def test_an_order_paid_beyond_its_total_is_unsettled_until_billing_gives_back(
    installation: Installation,
) -> None:
    orders, customer = Database(installation.database_url("orders")), UUID(int=7)
    try:
        async with orders.transaction() as session:
            before = await count_overpaid(session, MOST_COUNTED)
            await session.execute(
                text(
                    "INSERT INTO customers (id, login, name, phone, email, shipping_address)"
                    " VALUES (:id, 'overpaid', 'A', '1', 'a@example.org', 'X') ON CONFLICT DO NOTHING"
                ),
                {"id": customer},
            )
            await session.execute(
                text(
                    "INSERT INTO orders (customer_id, status, currency, delivery_minor, total_minor, paid_minor,"
                    " shipping_address, version) VALUES (:id, 'cancelled', 'USD', 0, 0, 5, 'X', 2)"
                ),
                {"id": customer},
            )
            assert await count_overpaid(session, MOST_COUNTED) == before + 1
            await session.rollback()
    finally:
        await orders.close()
