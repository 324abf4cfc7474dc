"""A shop to measure with, written straight into the databases: so many customers and orders as one likes."""

import asyncio
import hashlib
from uuid import UUID

from benchmarks.system import Purser
from services.billing.models import ShopAccount

PRICE_MINOR = 1_250
BALANCE_MINOR = 10**12

# Customer n, order n, of customer 1 + (n - 1) % customers: each with two items.
CUSTOMER = "md5('customer ' || {n})::uuid"
ORDERS = f"""
    INSERT INTO customers (id, login, name, phone, email, shipping_address)
    SELECT {CUSTOMER.format(n="n")}, 'c' || n, 'Customer ' || n, '', 'c' || n || '@example.org', '1 Main Street'
    FROM generate_series(1, {{customers}}) n;
    INSERT INTO orders (number, customer_id, status, currency, delivery_minor, total_minor, shipping_address, version)
    SELECT n, {CUSTOMER.format(n="1 + (n - 1) % {customers}")}, 'awaiting_payment', 'USD', 0, {2 * PRICE_MINOR},
        '1 Main Street', 1
    FROM generate_series(1, {{orders}}) n;
    INSERT INTO items (order_number, line, sku, title, quantity, unit_price_minor, status)
    SELECT n, line, 'S' || line, 'Thing ' || line, 1, {PRICE_MINOR}, 'awaiting_payment'
    FROM generate_series(1, {{orders}}) n, generate_series(1, 2) line;
    SELECT setval(pg_get_serial_sequence('orders', 'number'), {{orders}});
"""
BILLING = f"""
    INSERT INTO accounts (id, kind, currency) VALUES ('{ShopAccount.CASH.id("USD")}', 'cash', 'USD'),
        ('{ShopAccount.SALES.id("USD")}', 'sales', 'USD');
    INSERT INTO accounts (id, kind, currency, balance_minor, version)
    SELECT {CUSTOMER.format(n="n")}, 'customer', 'USD', {BALANCE_MINOR}, 1 FROM generate_series(1, {{customers}}) n;
    INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,
        kind, balance_after_minor, made_by)
    SELECT gen_random_uuid(), id, 1, '{ShopAccount.CASH.id("USD")}', id, {BALANCE_MINOR}, 'USD', 'deposit',
        {BALANCE_MINOR}, 'fin'
    FROM accounts WHERE kind = 'customer';
    INSERT INTO invoices (order_number, customer_id, currency, total_minor, order_version, cancelled)
    SELECT 'ORD-' || lpad(n::text, 10, '0'), {CUSTOMER.format(n="1 + (n - 1) % {customers}")}, 'USD', {2 * PRICE_MINOR},
        1, false
    FROM generate_series(1, {{orders}}) n;
"""
GATEWAY = f"""
    INSERT INTO accounts (login, role, customer_id)
    SELECT 'c' || n, 'customer', {CUSTOMER.format(n="n")} FROM generate_series(1, {{customers}}) n;
    INSERT INTO sessions (token_hash, login, expires_at)
    SELECT sha256(('token of c' || n)::bytea), 'c' || n, now() + interval '12 hours'
    FROM generate_series(1, {{customers}}) n;
"""


def token(customer: int) -> str:
    """What this customer's browser sends."""
    return f"token of c{customer}"


def customer_id(customer: int) -> UUID:
    return UUID(hashlib.md5(f"customer {customer}".encode(), usedforsecurity=False).hexdigest())


def order_number(order: int) -> str:
    return f"ORD-{order:010d}"


async def open_shop(purser: Purser, customers: int, orders: int) -> None:
    """Customers who have signed in and have money, and orders to pay; the databases know what they hold."""

    async def write(database: str, statements: str) -> None:
        async with purser.database(database) as connection:
            await connection.execute(statements.format(customers=customers, orders=orders))
            await connection.execute("VACUUM ANALYZE")

    await asyncio.gather(write("orders", ORDERS), write("billing", BILLING), write("gateway", GATEWAY))
