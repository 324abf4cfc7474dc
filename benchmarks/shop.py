"""A shop to measure with, written straight into the databases: so many customers and orders as one likes."""

import asyncio
import hashlib
from uuid import UUID

from benchmarks.filling import fill
from benchmarks.system import Purser
from services.billing.models import ShopAccount

PRICE_MINOR = 1_250
BALANCE_MINOR = 10**12
# What was paid for an order in each of the payments that it has had.
PART_MINOR = 100
STAFF = "clerk"

# Customer n, order n, of customer 1 + (n - 1) % customers: each with two items.
CUSTOMER = "md5('customer ' || {n})::uuid"
WHOSE = "1 + (n - 1) % {customers}"
NAME = "'ORD-' || lpad(n::text, 10, '0')"
# 24 first names and 4,096 last ones.
FIRST_NAMES = (
    *("Ada", "Bengt", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Irina", "Jonas", "Keiko", "Liam"),
    *("Marta", "Noor", "Oskar", "Paula", "Quentin", "Rosa", "Stefan", "Tomas", "Ursula", "Viktor", "Wanda", "Yusuf"),
)
SYLLABLES = (
    "bar",
    "den",
    "fol",
    "gar",
    "hem",
    "jor",
    "kel",
    "lin",
    "mor",
    "nas",
    "pet",
    "ros",
    "stal",
    "tov",
    "vik",
    "zan",
)
PEOPLE = f"""
    (SELECT n, first || ' ' || last AS name, lower(first || '.' || last) || n || '@example.org' AS email
     FROM (SELECT n, (string_to_array('{" ".join(FIRST_NAMES)}', ' '))[1 + a % 24] AS first,
                  initcap(part[1 + b % 16] || part[1 + b / 16 % 16] || part[1 + b / 256 % 16]) AS last
           FROM (SELECT n, abs(hashint4(n)) AS a, abs(hashint4(-n)) AS b,
                        string_to_array('{" ".join(SYLLABLES)}', ' ') AS part
                 FROM generate_series(1, {{customers}}) n) drawn) named)
"""
# What was told of the payments of the last thirty days, in the inbox of each who hears of them.
HEARD = """
    INSERT INTO inbox (event_id, taken_at) SELECT gen_random_uuid(), at
    FROM generate_series(1, {orders}) n, generate_series(1, {parts}),
        LATERAL (SELECT now() - ({orders} - n) * interval '10 seconds' AS at) moment
    WHERE at > now() - interval '30 days';
"""
ORDERS = f"""
    INSERT INTO customers (id, login, name, phone, email, shipping_address)
    SELECT {CUSTOMER.format(n="n")}, 'c' || n, name, '', email, '1 Main Street' FROM {PEOPLE} people;
    INSERT INTO orders (number, customer_id, status, currency, delivery_minor, total_minor, paid_minor,
        shipping_address, placed_at, version, billing_version)
    SELECT n, {CUSTOMER.format(n=WHOSE)}, 'awaiting_payment', 'USD', 0, {2 * PRICE_MINOR}, {PART_MINOR} * {{parts}},
        '1 Main Street', now() - ({{orders}} - n) * interval '10 seconds', 1, {{parts}}
    FROM generate_series(1, {{orders}}) n;
    INSERT INTO items (order_number, line, sku, title, quantity, unit_price_minor, status)
    SELECT n, line, 'S' || line, 'Thing ' || line, 1, {PRICE_MINOR}, 'awaiting_payment'
    FROM generate_series(1, {{orders}}) n, generate_series(1, 2) line;
    SELECT setval(pg_get_serial_sequence('orders', 'number'), {{orders}});
    {HEARD}
"""
CASH, SALES = (account.id("USD") for account in (ShopAccount.CASH, ShopAccount.SALES))
# With the keys of seven days, as a shop has them that is no longer new: where there was none when PostgreSQL counted
# last, it goes through all that have come since.
BILLING = f"""
    INSERT INTO accounts (id, kind, currency) VALUES ('{CASH}', 'cash', 'USD'), ('{SALES}', 'sales', 'USD');
    INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,
        kind, balance_after_minor, made_by, at)
    SELECT gen_random_uuid(), customer, 1, '{CASH}', customer, {BALANCE_MINOR}, 'USD', 'deposit', {BALANCE_MINOR},
        'fin', now() - interval '1 year'
    FROM (SELECT {CUSTOMER.format(n="n")} AS customer FROM generate_series(1, {{customers}}) n) customers;
    INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,
        kind, balance_after_minor, order_number, order_version, made_by, at)
    SELECT gen_random_uuid(), customer, 1 + before, customer, '{SALES}', {PART_MINOR}, 'USD', 'payment',
        {BALANCE_MINOR} - before * {PART_MINOR}, {NAME}, 1, 'fin', now() - ({{orders}} - n) * interval '10 seconds'
    FROM (SELECT n, (n - 1) / {{customers}} * {{parts}} + part AS before, {CUSTOMER.format(n=WHOSE)} AS customer
          FROM generate_series(1, {{orders}}) n, generate_series(1, {{parts}}) part) payments;
    INSERT INTO accounts (id, kind, currency, balance_minor, version)
    SELECT customer_id, 'customer', 'USD', {BALANCE_MINOR} - (count(*) - 1) * {PART_MINOR}, count(*)
    FROM transfers GROUP BY customer_id;
    INSERT INTO invoices (order_number, customer_id, currency, total_minor, paid_minor, order_version, cancelled,
        version)
    SELECT {NAME}, {CUSTOMER.format(n=WHOSE)}, 'USD', {2 * PRICE_MINOR}, {PART_MINOR} * {{parts}}, 1, false, {{parts}}
    FROM generate_series(1, {{orders}}) n;
    INSERT INTO sealed_accounts (account_id, version) SELECT id, version FROM accounts WHERE kind = 'customer';
    INSERT INTO idempotency_keys (scope, key, request_hash, answer, claimed_at)
    SELECT 'c' || {WHOSE} || ' POST /orders/' || {NAME} || '/payments', gen_random_uuid()::text, '\\x00', '{{{{}}}}',
        now() - n * interval '1 minute'
    FROM generate_series(1, 7 * 24 * 60) n;
"""
SUPPORT = f"""
    INSERT INTO operations (transfer_id, order_number, customer_id, kind, amount_minor, currency, at)
    SELECT gen_random_uuid(), {NAME}, {CUSTOMER.format(n=WHOSE)}, 'paid', {PART_MINOR}, 'USD',
        now() - ({{orders}} - n) * interval '10 seconds'
    FROM generate_series(1, {{orders}}) n, generate_series(1, {{parts}}) part;
    {HEARD}
"""
# The books were looked through a moment ago, and are not looked through again meanwhile.
GATEWAY = f"""
    INSERT INTO accounts (login, role, customer_id)
    SELECT 'c' || n, 'customer', {CUSTOMER.format(n="n")} FROM generate_series(1, {{customers}}) n;
    INSERT INTO accounts (login, role) VALUES ('{STAFF}', 'admin');
    INSERT INTO sessions (token_hash, login, expires_at)
    SELECT sha256(('token of ' || login)::bytea), login, now() + interval '12 hours' FROM accounts;
    INSERT INTO rounds (made_by, ended_at) VALUES ('{STAFF}', now());
"""
SEEDS = {
    "orders": (["customers", "orders", "items", "inbox"], ORDERS),
    "billing": (["accounts", "transfers", "invoices", "sealed_accounts", "idempotency_keys"], BILLING),
    "support": (["operations", "inbox"], SUPPORT),
    "gateway": (["accounts", "sessions"], GATEWAY),
}


def token(customer: int) -> str:
    """What this customer's browser sends."""
    return f"token of c{customer}"


STAFF_TOKEN = f"token of {STAFF}"


def customer_id(customer: int) -> UUID:
    return uuid_of(f"customer {customer}")


def uuid_of(name: str) -> UUID:
    """As the databases make it."""
    return UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


def order_number(order: int) -> str:
    return f"ORD-{order:010d}"


async def open_shop(purser: Purser, customers: int, orders: int, parts: int = 0) -> None:
    """Customers who have signed in and have money, and orders to pay, for each of which so many parts were paid."""
    counts = {"customers": customers, "orders": orders, "parts": parts}
    async with asyncio.TaskGroup() as group:
        for database, (tables, statements) in SEEDS.items():
            group.create_task(fill(purser, database, tables, statements.format(**counts)))
