"""Events: I-5, I-6, I-10, I-12, I-15, I-16."""

from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.messaging import DEAD_LETTERS
from tests.faults.judge import EVENTS, SERVICES, Evidence, Finding, differences

# What was committed and must be told, beside what was told: each pair is one event of one change.
_TOLD = {
    "billing": f"""
        WITH {EVENTS},
        changes AS (
            SELECT 'billing.balance_changed.v1 ' || customer_id || ' ' || version AS change
            FROM (
                SELECT customer_id, account_version AS version FROM transfers
                UNION ALL SELECT customer_id, begun_version FROM holds
                UNION ALL SELECT customer_id, released_version FROM holds WHERE released_version IS NOT NULL
            ) AS versions
            UNION ALL
            SELECT CASE kind WHEN 'payment' THEN 'billing.order_paid.v1 ' ELSE 'billing.order_refunded.v1 ' END
                   || order_number || ' ' || id || ' ' || amount_minor
            FROM transfers WHERE order_number IS NOT NULL
        ),
        told AS (
            SELECT routing_key || ' ' || subject || ' ' || CASE routing_key
                WHEN 'billing.balance_changed.v1' THEN version::text
                ELSE (body::jsonb ->> 'transfer_id') || ' ' || (body::jsonb ->> 'amount_minor') END AS change
            FROM events
            WHERE aggregate IN ('account', 'invoice')
        )
    """,
    "orders": f"""
        WITH {EVENTS},
        changes AS (
            SELECT 'order ' || 'ORD-' || lpad(number::text, 10, '0') || ' ' || generate_series(1, version) AS change
            FROM orders
            UNION ALL SELECT 'customer ' || id || ' 1' FROM customers
        ),
        told AS (SELECT aggregate || ' ' || subject || ' ' || version AS change FROM events)
    """,
    "support": f"""
        WITH {EVENTS},
        changes AS (
            SELECT 'ticket ' || id || ' ' || generate_series(1, version) AS change FROM tickets
            UNION ALL SELECT 'ticket_counts ' || customer_id || ' ' || generate_series(1, version) FROM counts
        ),
        told AS (SELECT aggregate || ' ' || subject || ' ' || version AS change FROM events)
    """,
}


async def i05_every_change_has_its_event(evidence: Evidence) -> Finding:
    """Every transfer, every version of an order, a ticket and a customer's counts has exactly one event."""
    found, looked_at = [], 0
    for service, pairs in _TOLD.items():
        looked_at += await evidence.count(service, f"{pairs} SELECT count(*) FROM changes")
        wrong = await evidence.rows(
            service,
            f"""{pairs} SELECT change, count(told.change) AS events FROM changes LEFT JOIN told USING (change)
            GROUP BY change HAVING count(told.change) <> 1 ORDER BY change""",
        )
        found += differences(f"{service} has not told once", wrong)
    wrong = await evidence.rows(
        "billing",
        f"""
        WITH {EVENTS} SELECT id AS transfer, balance_after_minor, body FROM transfers JOIN events
        ON aggregate = 'account' AND subject = customer_id::text AND version = account_version
        WHERE (body::jsonb ->> 'balance_minor')::bigint <> balance_after_minor
        """,
    )
    return Finding(looked_at, found + differences("another balance was told", wrong))


async def i06_no_event_lacks_its_change(evidence: Evidence) -> Finding:
    """Every event was told of a change that is there; nobody took an event that its service has not told."""
    found, looked_at = [], 0
    for service, pairs in _TOLD.items():
        looked_at += await evidence.count(service, f"{pairs} SELECT count(*) FROM told")
        wrong = await evidence.rows(
            service, f"{pairs} SELECT change FROM told EXCEPT SELECT change FROM changes ORDER BY change"
        )
        found += differences(f"{service} has told of nothing", wrong)
    told = set().union(*[await _told(evidence, service) for service in _TOLD])
    for listener in SUBSCRIPTIONS:
        found += [
            f"{listener} has taken {event_id}, which nobody told"
            for event_id in await _taken(evidence, listener) - told
        ]
    return Finding(looked_at, found)


async def i10_every_event_took_effect_once(evidence: Evidence) -> Finding:
    """Every event was taken by each of its listeners, or is a dead letter; a payment is one operation in support, and
    one line in each conversation about its order."""
    found, looked_at = [], 0
    dead = set(evidence.dead_letters)
    for listener, events in SUBSCRIPTIONS.items():
        taken = await _taken(evidence, listener)
        for event in events:
            told = await _told(evidence, event.routing_key.partition(".")[0], event.routing_key)
            looked_at += len(told)
            found += [f"{listener} has not taken {event.routing_key} {lost}" for lost in sorted(told - taken - dead)]
    found += await _operations(evidence)
    return Finding(looked_at, found)


async def _operations(evidence: Evidence) -> list[str]:
    transfers = await evidence.rows(
        "billing",
        "SELECT id AS transfer_id, order_number, amount_minor FROM transfers WHERE order_number IS NOT NULL",
    )
    operations = await evidence.rows("support", "SELECT transfer_id, order_number, amount_minor FROM operations")
    made, noted = ({tuple(row.values()) for row in rows} for rows in (transfers, operations))
    found = [f"support has not noted {row}" for row in sorted(map(str, made - noted))]
    found += [f"support has noted what did not happen: {row}" for row in sorted(map(str, noted - made))]
    wrong = await evidence.rows(
        "support",
        """
        SELECT tickets.id AS ticket, operations.transfer_id, count(messages.id) AS lines
        FROM tickets JOIN operations USING (order_number, customer_id)
        LEFT JOIN messages ON messages.ticket_id = tickets.id AND messages.transfer_id = operations.transfer_id
        GROUP BY tickets.id, operations.transfer_id HAVING count(messages.id) <> 1
        """,
    )
    return found + differences("a conversation does not tell once of money that moved", wrong)


async def i12_versions_run_from_1_without_a_gap(evidence: Evidence) -> Finding:
    """Of every aggregate, versions 1 to n left in this order; who listens holds the newest that concerns them."""
    found, looked_at = [], 0
    for service in SERVICES:
        looked_at += await evidence.count(service, "SELECT count(*) FROM outbox_archive")
        wrong = await evidence.rows(
            service,
            """
            WITH sent AS (
                SELECT aggregate, subject, version, sent_at,
                       row_number() OVER (PARTITION BY aggregate, subject ORDER BY sent_at, position) AS place
                FROM outbox_archive
            )
            SELECT * FROM sent WHERE version <> place ORDER BY aggregate, subject, place
            """,
        )
        found += differences(f"{service} has told out of order", wrong)
    rows = await evidence.rows(
        "orders",
        f"""
        WITH {EVENTS} SELECT subject, max(version) AS version FROM events
        WHERE routing_key IN ('orders.order_placed.v1', 'orders.order_amended.v1', 'orders.order_cancelled.v1')
        GROUP BY subject
        """,
    )
    known = {
        row["order_number"]: row["order_version"]
        for row in await evidence.rows("billing", "SELECT order_number, order_version FROM invoices")
    }
    for row in rows:
        if known.get(row["subject"]) != row["version"]:
            found.append(
                f"billing knows version {known.get(row['subject'])} of {row['subject']}, told was {row['version']}"
            )
    return Finding(looked_at, found)


async def i15_nothing_is_left_over(evidence: Evidence) -> Finding:
    """Outboxes and queues are empty, everybody is ready in time, and there is no dead letter."""
    found = [f"not quiet in time: {evidence.never_arrived}"] if evidence.never_arrived else []
    for service in SERVICES:
        if rows := await evidence.rows(service, "SELECT position, routing_key, subject, version FROM outbox LIMIT 20"):
            found += differences(f"still in the outbox of {service}", rows)
    found += [f"{count} messages in {queue}" for queue, count in evidence.queues.items() if count]
    if DEAD_LETTERS not in evidence.queues:
        found.append("nobody has looked into the queues")
    return Finding(len(SERVICES) + len(evidence.queues), found)


async def i16_no_connection_is_stuck(evidence: Evidence) -> Finding:
    """No transaction is left open, nobody waits for a lock, no process holds more connections than its pools, and every
    service has one relay, which says that it relays."""
    found, looked_at = [], 0
    for service in SERVICES:
        sessions = await evidence.rows(service, _SESSIONS)
        looked_at += len(sessions)
        found += differences("a transaction is open", [row for row in sessions if row["lasts_seconds"] > 2])
        found += differences("somebody waits for a lock", [row for row in sessions if row["wait_event_type"] == "Lock"])
        # An API's and a worker's pool, and the relay's own.
        if len(sessions) > 21 * evidence.replicas:
            found.append(f"{service} holds {len(sessions)} connections")
    for service in SUBSCRIPTIONS.keys() - {"gateway"}:
        relays = await evidence.count(service, _RELAYS)
        if (relays, evidence.leading.get(service)) != (1, 1.0):
            found.append(
                f"{service} has {relays} relays, and {evidence.leading.get(service)} workers say that they relay"
            )
    return Finding(looked_at, found)


_SESSIONS = """
    SELECT pid, usename::text, state, wait_event_type, query,
           coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0) AS lasts_seconds
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND usename <> current_user
"""
_RELAYS = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND (classid::bigint << 32) + objid::bigint = hashtext('outbox relay')
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def _told(evidence: Evidence, service: str, routing_key: str | None = None) -> set[str]:
    query = f"WITH {EVENTS} SELECT event_id FROM events WHERE $1::text IS NULL OR routing_key = $1"
    return {str(row["event_id"]) for row in await evidence.rows(service, query, routing_key)}


async def _taken(evidence: Evidence, listener: str) -> set[str]:
    return {str(row["event_id"]) for row in await evidence.rows(listener, "SELECT event_id FROM inbox")}
