"""Searches read what they find and no more, whatever PostgreSQL would guess: their plans as they were run."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx2 as httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from services.orders import api
from services.orders.settings import OrdersApiSettings
from tests.client import Client
from tests.installation import Installation, settings
from tests.orders.conftest import OPERATOR

# Each has an order, and what nobody else has in their name.
MANY = 3_000
FILL = f"""
    INSERT INTO customers (id, login, name, phone, email, shipping_address)
    SELECT md5('many ' || n)::uuid, 'many-' || md5('login ' || n), md5('name ' || n), '', md5('mail ' || n), 'Here'
    FROM generate_series(1, {MANY}) n;
    INSERT INTO orders (customer_id, status, currency, delivery_minor, total_minor, shipping_address, version)
    SELECT id, 'awaiting_payment', 'USD', 0, 100, 'Here', 1 FROM customers WHERE login LIKE 'many-%'
"""
EMPTY = """
    DELETE FROM orders USING customers WHERE customer_id = customers.id AND login LIKE 'many-%';
    DELETE FROM customers WHERE login LIKE 'many-%'
"""
KNOW = "VACUUM ANALYZE customers, orders"
ONE = "SELECT login, name, email, number FROM customers JOIN orders ON customer_id = id WHERE id = md5('many 7')::uuid"


@pytest.fixture(scope="module")
async def one(installation: Installation) -> AsyncIterator[asyncpg.Record]:
    """One customer of many, and their order's number."""
    connection = await asyncpg.connect(installation.superuser_url("orders"))
    await connection.execute(FILL)
    await connection.execute(KNOW)
    yield await connection.fetchrow(ONE)
    await connection.execute(EMPTY)
    await connection.execute(KNOW)
    await connection.close()


async def plans_of(installation: Installation, path: str, plan_cache_mode: str) -> list[dict[str, Any]]:
    """How PostgreSQL ran the statements of a request, on connections on which this is the usual mode."""
    # Only a superuser may have plans told.
    database_url = make_url(installation.superuser_url("orders")).set(drivername="postgresql+asyncpg")
    urls = {"database_url": database_url.render_as_string(False), "caller_public_keys": installation.public_key}
    app, plans = api.create(settings(OrdersApiSettings, **urls)), list[dict[str, Any]]()

    async def tell_plans(connection: asyncpg.Connection) -> None:
        connection.add_log_listener(lambda _, told: plans.append(json.loads(told.message.partition("plan:")[2])))
        await connection.execute(
            "LOAD 'auto_explain'; SET auto_explain.log_format = json; SET auto_explain.log_level = notice;"
            # So few are read at once as soon as they are looked up.
            "SET auto_explain.log_min_duration = 0; SET enable_seqscan = off;"
            f"SET plan_cache_mode = {plan_cache_mode}"
        )

    event.listen(app.state.database.engine.sync_engine, "connect", lambda made, _: made.run_async(tell_plans))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://orders") as http:
        answer = await Client(http, installation, "orders", OPERATOR).ask("GET", path)
    await app.state.database.close()
    assert len(answer.json()["items"]) == 1, answer.text
    return [each["Plan"] for each in plans if "customers" in each["Query Text"]]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def indexes(plans: list[dict[str, Any]]) -> set[str]:
    """What they read; nothing is read whole."""
    read = [node for plan in plans for node in nodes(plan) if "Scan" in node["Node Type"]]
    assert "Seq Scan" not in {node["Node Type"] for node in read}, read
    return {node["Index Name"] for node in read if "Index Name" in node}


@pytest.mark.parametrize("what", ["name", "email"])
async def test_an_order_is_found_by_its_customer_without_reading_the_others(
    installation: Installation, one: asyncpg.Record, what: str
) -> None:
    plans = await plans_of(installation, f"/orders?q={one[what][3:11]}", "auto")
    assert indexes(plans) == {
        "ix_customers_name",
        "ix_customers_email",
        "ix_orders_customer_id_number",
        "pk_customers",
    }


@pytest.mark.parametrize("what", ["name", "email", "login"])
async def test_a_customer_is_found_without_reading_the_others(
    installation: Installation, one: asyncpg.Record, what: str
) -> None:
    plans = await plans_of(installation, f"/customers?q={one[what][3:11]}", "auto")
    assert indexes(plans) == {"ix_customers_name", "ix_customers_email", "ix_customers_login", "pk_customers"}


async def test_an_order_is_found_by_its_last_digits_without_reading_the_others(
    installation: Installation, one: asyncpg.Record
) -> None:
    plans = await plans_of(installation, f"/orders?q={one['number']:010d}", "auto")
    assert indexes(plans) == {"ix_orders_last_digits", "pk_customers"}


@pytest.mark.parametrize("path", ["orders", "customers"])
async def test_a_search_is_planned_for_what_is_looked_for(
    installation: Installation, one: asyncpg.Record, path: str
) -> None:
    """Where PostgreSQL would plan once for whatever is looked for, as it may after five times."""
    plans = await plans_of(installation, f"/{path}?q={one['name'][3:11]}", "force_generic_plan")
    assert len(plans) == 2
    assert "$" not in json.dumps(plans)
