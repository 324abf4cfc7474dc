"""Money: I-1, I-2, I-3, I-7, I-8, I-9."""

from tests.faults.judge import EVENTS, Evidence, Finding, differences

# What each transfer did to its customer's balance, by the accounts it names and not by its kind.
CHANGES = """
    changes AS (
        SELECT *, CASE WHEN credit_account = customer_id THEN amount_minor ELSE -amount_minor END AS change_minor
        FROM transfers
    )
"""
KEPT = """
    kept AS (
        SELECT order_number,
               sum(CASE kind WHEN 'payment' THEN amount_minor ELSE -amount_minor END)::bigint AS kept_minor
        FROM transfers WHERE order_number IS NOT NULL GROUP BY order_number
    )
"""


async def i01_money_is_neither_made_nor_lost(evidence: Evidence) -> Finding:
    """In each currency, what customers have is what the shop's side of all transfers owes them; no balance is there
    without a transfer."""
    wrong = await evidence.rows(
        "billing",
        """
        WITH customers AS (SELECT currency, sum(balance_minor)::bigint AS have_minor FROM accounts GROUP BY currency),
        shop AS (
            SELECT transfers.currency,
                   sum(CASE accounts.id WHEN debit_account THEN amount_minor ELSE -amount_minor END)::bigint
                       AS owes_minor
            FROM transfers JOIN accounts ON accounts.id IN (debit_account, credit_account)
            WHERE accounts.kind <> 'customer' GROUP BY transfers.currency
        )
        SELECT currency, have_minor, coalesce(owes_minor, 0) AS owes_minor
        FROM customers LEFT JOIN shop USING (currency) WHERE have_minor <> coalesce(owes_minor, 0)
        """,
    )
    looked_at = await evidence.count("billing", "SELECT count(*) FROM transfers")
    return Finding(looked_at, differences("the sums differ", wrong))


async def i02_a_balance_is_the_sum_of_its_transfers(evidence: Evidence) -> Finding:
    """Every account's balance is the sum of its transfers, what is held of it that of its waiting holds, and its
    version their number."""
    wrong = await evidence.rows(
        "billing",
        f"""
        WITH {CHANGES},
        moved AS (SELECT customer_id AS id, sum(change_minor) AS minor, count(*) AS times FROM changes GROUP BY 1),
        held AS (
            SELECT customer_id AS id, sum(amount_minor) FILTER (WHERE state = 'waiting') AS minor,
                   count(begun_version) + count(released_version) AS times
            FROM holds GROUP BY 1
        )
        SELECT id AS customer, balance_minor, moved.minor AS moved_minor, held_minor, held.minor AS waits_minor,
               version, moved.times AS transfers, held.times AS holds
        FROM accounts LEFT JOIN moved USING (id) LEFT JOIN held USING (id)
        WHERE kind = 'customer'
          AND (balance_minor, held_minor, version)
              <> (coalesce(moved.minor, 0), coalesce(held.minor, 0), coalesce(moved.times, 0) + coalesce(held.times, 0))
        """,
    )
    looked_at = await evidence.count("billing", "SELECT count(*) FROM accounts WHERE kind = 'customer'")
    return Finding(looked_at, differences("a balance has drifted", wrong))


async def i03_no_balance_was_ever_negative(evidence: Evidence) -> Finding:
    """Added up in their order, transfers never take a balance below nothing, and each tells the balance after it."""
    wrong = await evidence.rows(
        "billing",
        f"""
        WITH {CHANGES},
        running AS (
            SELECT id AS transfer, customer_id AS customer, account_version, kind, balance_after_minor,
                   sum(change_minor) OVER (PARTITION BY customer_id ORDER BY account_version)::bigint AS running_minor
            FROM changes
        )
        SELECT * FROM running WHERE running_minor < 0 OR running_minor <> balance_after_minor
        ORDER BY customer, account_version
        """,
    )
    looked_at = await evidence.count("billing", "SELECT count(*) FROM transfers")
    return Finding(looked_at, differences("a transfer overdraws, or tells another balance", wrong))


async def i07_a_payment_is_on_its_order_or_back(evidence: Evidence) -> Finding:
    """What transfers say is kept for an order is what its invoice says, and what the order itself says."""
    wrong = await evidence.rows(
        "billing",
        f"""
        WITH {KEPT}
        SELECT order_number, kept_minor, paid_minor AS invoice_paid_minor
        FROM kept FULL JOIN invoices USING (order_number) WHERE coalesce(kept_minor, 0) IS DISTINCT FROM paid_minor
        """,
    )
    invoices = {
        row["order_number"]: row
        for row in await evidence.rows("billing", "SELECT order_number, paid_minor, version FROM invoices")
    }
    found = differences("transfers and invoice differ", wrong)
    orders = await evidence.rows(
        "orders", "SELECT 'ORD-' || lpad(number::text, 10, '0') AS number, paid_minor, billing_version FROM orders"
    )
    for order in orders:
        invoice = invoices.pop(order["number"], None)
        if invoice is None:
            found.append(f"{order['number']} has no invoice")
        elif (order["paid_minor"], order["billing_version"]) != (invoice["paid_minor"], invoice["version"]):
            found.append(f"order and invoice differ: {order}, {invoice}")
    found += [f"{number} is billed and not there" for number in invoices]
    return Finding(len(orders), found)


async def i08_nothing_is_kept_beyond_the_total(evidence: Evidence) -> Finding:
    """Of every order, what is kept beyond what it costs, by its own items, is nothing; billing knows the same total."""
    rows = await evidence.rows("billing", f"WITH {KEPT} SELECT * FROM kept")
    kept = {row["order_number"]: row["kept_minor"] for row in rows}
    invoices = {
        row["order_number"]: (row["total_minor"], row["cancelled"])
        for row in await evidence.rows("billing", "SELECT order_number, total_minor, cancelled FROM invoices")
    }
    orders = await evidence.rows(
        "orders",
        """
        WITH live AS (
            SELECT order_number, sum(quantity * unit_price_minor)::bigint AS minor FROM items
            WHERE status NOT IN ('returned_to_supplier', 'unable_to_deliver', 'cancelled') GROUP BY order_number
        )
        SELECT 'ORD-' || lpad(number::text, 10, '0') AS number, status, total_minor,
               CASE WHEN live.minor IS NULL THEN 0 ELSE live.minor + delivery_minor END AS items_minor
        FROM orders LEFT JOIN live ON live.order_number = number
        """,
    )
    found = []
    for order in orders:
        number, total_minor = order["number"], order["total_minor"]
        if order["items_minor"] != total_minor:
            found.append(f"items and total differ: {order}")
        if kept.get(number, 0) > total_minor:
            found.append(f"{kept[number]} is kept for {order}")
        if number in invoices and invoices[number] != (total_minor, order["status"] == "cancelled"):
            found.append(f"billing knows another total: {invoices[number]} for {order}")
    return Finding(len(orders), found)


async def i09_paid_means_paid(evidence: Evidence) -> Finding:
    """A Paid order's payments are its total, and it says so only then; a Paid item's order is or was paid in full."""
    wrong = await evidence.rows(
        "orders",
        """
        SELECT number, status, total_minor, paid_minor FROM orders
        WHERE (paid_minor <> total_minor
               AND status NOT IN ('awaiting_payment', 'awaiting_additional_payment', 'cancelled'))
           OR (status IN ('awaiting_payment', 'awaiting_additional_payment') AND paid_minor >= total_minor)
        """,
    )
    found = differences("status and figures differ", wrong)
    wrong = await evidence.rows(
        "orders",
        """
        SELECT order_number, line, items.status, orders.status AS order_status, total_minor, paid_minor
        FROM items JOIN orders ON number = order_number
        WHERE (items.status IN ('paid', 'ordered', 'received', 'packed', 'shipped', 'completed')
               AND 'ORD-' || lpad(number::text, 10, '0') <> ALL($1))
           OR (orders.status = 'cancelled'
               AND items.status NOT IN ('cancelled', 'unable_to_deliver', 'returned_to_supplier'))
           OR (items.status = 'awaiting_payment' AND paid_minor >= total_minor AND orders.status <> 'cancelled')
        """,
        sorted(await _once_paid(evidence)),
    )
    found += differences("an item and its order differ", wrong)
    return Finding(await evidence.count("orders", "SELECT count(*) FROM items"), found)


async def _once_paid(evidence: Evidence) -> set[str]:
    """Orders of which nothing remained to pay at some time, by the word of orders or of billing."""
    paid = f"WITH {EVENTS} SELECT DISTINCT subject FROM events WHERE body::jsonb ->> 'remaining_minor' = '0'"
    return {row["subject"] for service in ("orders", "billing") for row in await evidence.rows(service, paid)}
