"""The previous release: its schema, and what it writes and asks, told by the statements that it uses."""

# Until there is another release: the first schema that anybody has had.
REVISION = "0001"

_TOLD = """
    INSERT INTO outbox (event_id, aggregate, subject, version, routing_key, at, body)
    VALUES (gen_random_uuid(), 'previous', '{n}', 1, 'previous.told.v1', now(), '{{}}');
    WITH sent AS (DELETE FROM outbox WHERE subject = '{n}' RETURNING *)
    INSERT INTO outbox_archive (position, event_id, aggregate, subject, version, routing_key, at, body)
    SELECT position, event_id, aggregate, subject, version, routing_key, at, body FROM sent;
    INSERT INTO inbox (event_id) VALUES (gen_random_uuid());
    INSERT INTO idempotency_keys (scope, key, request_hash, answer) VALUES ('anna', '{n}', '\\x00', '{{}}');
    INSERT INTO acts (login, role, act, subject, note, details) VALUES ('admin', 'admin', 'x', '{n}', NULL, '{{}}');
    SELECT keep_outbox_archive(14);
"""
# Of customer {n}, as the service's own role.
WRITES = {
    "orders": _TOLD
    + """
    INSERT INTO customers (id, login, name, phone, email, shipping_address)
    VALUES ('{id}', 'anna-{n}', 'Anna', '', 'a@example.org', '');
    INSERT INTO orders (number, customer_id, status, currency, delivery_minor, total_minor, shipping_address, version)
    VALUES ({n}, '{id}', 'awaiting_payment', 'USD', 0, 600, '', 1);
    INSERT INTO items (order_number, line, sku, title, quantity, unit_price_minor, status)
    VALUES ({n}, 1, 'S', 'Thing', 1, 600, 'awaiting_payment');
    UPDATE orders SET paid_minor = 600, billing_version = 1, status = 'paid', version = 2, first_paid_in_full_at = now()
    WHERE number = {n};
    UPDATE items SET status = 'paid' WHERE order_number = {n} AND line = 1;
    """,
    "billing": _TOLD
    + """
    INSERT INTO accounts (id, kind, currency) VALUES ('00000000-0000-0000-0000-00000000000c', 'cash', 'USD'),
    ('00000000-0000-0000-0000-00000000000d', 'sales', 'USD') ON CONFLICT DO NOTHING;
    INSERT INTO accounts (id, kind, currency) VALUES ('{id}', 'customer', 'USD');
    UPDATE accounts SET balance_minor = balance_minor + 600, version = version + 1 WHERE id = '{id}';
    INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,
        kind, balance_after_minor, made_by)
    VALUES (gen_random_uuid(), '{id}', 1, '00000000-0000-0000-0000-00000000000c', '{id}', 600, 'USD', 'deposit', 600,
        'financier');
    INSERT INTO invoices (order_number, customer_id, currency, total_minor, order_version, cancelled)
    VALUES ('ORD-000000000{n}', '{id}', 'USD', 600, 1, false);
    UPDATE accounts SET balance_minor = balance_minor - 600, version = version + 1
    WHERE id = '{id}' AND balance_minor - held_minor >= 600;
    INSERT INTO transfers (id, customer_id, account_version, debit_account, credit_account, amount_minor, currency,
        kind, balance_after_minor, order_number, order_version, made_by)
    VALUES (gen_random_uuid(), '{id}', 2, '{id}', '00000000-0000-0000-0000-00000000000d', 600, 'USD', 'payment', 0,
        'ORD-000000000{n}', 1, 'anna');
    UPDATE invoices SET paid_minor = 600, version = 1, first_paid_in_full_at = now()
    WHERE order_number = 'ORD-000000000{n}';
    """,
    "support": _TOLD
    + """
    INSERT INTO tickets (id, customer_id, order_number, subject, status, messages, customer_seq, staff_seq,
        read_by_staff_seq, read_by_customer_seq, begun_at, changed_at, version)
    VALUES ('{id}', '{id}', NULL, 'A question', 'open', 1, 1, 0, 0, 0, now(), now(), 1);
    INSERT INTO messages (ticket_id, seq, id, author, author_login, text, at)
    VALUES ('{id}', 1, gen_random_uuid(), 'customer', 'anna', 'What about this?', now());
    INSERT INTO operations (transfer_id, order_number, customer_id, kind, amount_minor, currency, at)
    VALUES (gen_random_uuid(), 'ORD-000000000{n}', '{id}', 'paid', 600, 'USD', now());
    INSERT INTO counts (customer_id, total, new, answered, version) VALUES ('{id}', 1, 1, 0, 1);
    UPDATE shop_count SET new = new + 1, version = version + 1;
    UPDATE tickets SET read_by_staff_seq = 1, version = 2 WHERE id = '{id}';
    """,
    "gateway": """
    INSERT INTO accounts (login, password_hash, role, customer_id) VALUES ('anna-{n}', NULL, 'customer', '{id}');
    INSERT INTO sessions (token_hash, login, expires_at) VALUES ('\\x0{n}', 'anna-{n}', now() + interval '1 day');
    UPDATE accounts SET password_hash = 'x', disabled = true WHERE login = 'anna-{n}';
    DELETE FROM sessions WHERE expires_at < now();
    """,
}
