"""Defects of a shop, and the invariant that must see each."""

from collections.abc import Callable

from tests.faults.history import Outcome
from tests.faults.judge import Evidence
from tests.faults.world import CUSTOMER, NUMBER, REFUND, TICKET

# The invariant, the service, and how it is brought about; what PostgreSQL would refuse is taken out of its hands first.
IN_A_DATABASE = {
    "a balance is written that no transfer made": (
        "I-1",
        "billing",
        "UPDATE accounts SET balance_minor = 601 WHERE kind = 'customer'",
    ),
    "a balance lags behind its transfers": (
        "I-2",
        "billing",
        "UPDATE accounts SET balance_minor = 600, version = 3 WHERE kind = 'customer'",
    ),
    "more is held than waits": ("I-2", "billing", "UPDATE accounts SET held_minor = 70 WHERE kind = 'customer'"),
    "a payment of more than there was": (
        "I-3",
        "billing",
        "UPDATE transfers SET amount_minor = 1200 WHERE kind = 'payment'",
    ),
    "a transfer tells another balance": (
        "I-3",
        "billing",
        "UPDATE transfers SET balance_after_minor = 401 WHERE kind = 'payment'",
    ),
    "an acknowledged deposit is gone": ("I-4", "billing", "DELETE FROM transfers WHERE kind = 'deposit'"),
    "an acknowledged deposit has another amount": (
        "I-4",
        "billing",
        "UPDATE transfers SET amount_minor = 999 WHERE kind = 'deposit'",
    ),
    "an acknowledged order is gone": (
        "I-4",
        "orders",
        "DELETE FROM outbox_archive WHERE version = 1 AND aggregate = 'order'",
    ),
    "an order never was as it was shown": (
        "I-4",
        "orders",
        "UPDATE outbox_archive SET body = replace(body, '600', '700') WHERE version = 1",
    ),
    "a ticket has gone back": ("I-4", "support", "UPDATE tickets SET version = 2"),
    "a transfer was not told": (
        "I-5",
        "billing",
        "DELETE FROM outbox_archive WHERE routing_key = 'billing.order_refunded.v1'",
    ),
    "an order changed and nobody was told": ("I-5", "orders", "UPDATE orders SET version = 5"),
    "a ticket changed and nobody was told": ("I-5", "support", "UPDATE tickets SET version = 4"),
    "another balance was told": (
        "I-5",
        "billing",
        "UPDATE outbox_archive SET body = replace(body, '400', '4') WHERE aggregate = 'account'",
    ),
    "a change was told that was rolled back": ("I-6", "orders", "UPDATE orders SET version = 3"),
    "a transfer was told that is not there": ("I-6", "billing", "DELETE FROM transfers WHERE kind = 'refund'"),
    "somebody took what nobody told": ("I-6", "support", "INSERT INTO inbox (event_id) VALUES (gen_random_uuid())"),
    "money left the balance and the invoice does not know": ("I-7", "billing", "UPDATE invoices SET paid_minor = 300"),
    "the order has not heard of a payment": ("I-7", "orders", "UPDATE orders SET billing_version = 1"),
    "an order is not billed": ("I-7", "billing", "DELETE FROM invoices"),
    "a dead item's money was kept": ("I-8", "orders", "UPDATE orders SET total_minor = 300"),
    "billing does not know what the order costs": ("I-8", "billing", "UPDATE invoices SET total_minor = 600"),
    "an order is paid that is not": ("I-9", "orders", "UPDATE orders SET paid_minor = 100"),
    "a cancelled order has a paid item": ("I-9", "orders", "UPDATE orders SET status = 'cancelled', total_minor = 0"),
    "a listener lost an event": ("I-10", "support", "DELETE FROM inbox"),
    "an operation was noted twice in a conversation": (
        "I-10",
        "support",
        "ALTER TABLE messages DROP CONSTRAINT uq_messages_ticket_id_transfer_id",
        "INSERT INTO messages SELECT ticket_id, 4, gen_random_uuid(), author, author_login, text, at, transfer_id"
        " FROM messages WHERE seq = 2",
    ),
    "an operation was not noted": ("I-10", "support", f"DELETE FROM operations WHERE transfer_id = '{REFUND}'"),
    "a counter is off by one": ("I-11", "support", "UPDATE counts SET total = 2"),
    "the shop's counter is off by one": ("I-11", "support", "UPDATE shop_count SET new = 0"),
    "a browser missed the last balance": ("I-11", "billing", "UPDATE accounts SET version = 5 WHERE kind = 'customer'"),
    "a browser missed an order": (
        "I-11",
        "orders",
        "INSERT INTO orders"
        " (number, customer_id, status, currency, delivery_minor, total_minor, shipping_address, version)"
        f" VALUES (2, '{CUSTOMER}', 'awaiting_payment', 'USD', 0, 0, '', 1)",
    ),
    "two versions left in the wrong order": (
        "I-12",
        "orders",
        "UPDATE outbox_archive SET position = 19 - position WHERE aggregate = 'order'",
    ),
    "a version was left out": (
        "I-12",
        "orders",
        "DELETE FROM outbox_archive WHERE aggregate = 'order' AND version = 2",
    ),
    "billing holds an older version": ("I-12", "billing", "UPDATE invoices SET order_version = 1"),
    "a refused payment was made": (
        "I-13",
        "billing",
        "UPDATE outbox_archive SET correlation_id = 'refused' WHERE subject = 'ORD-0000000001'",
    ),
    "a repeated deposit was made twice": ("I-14", "billing", "UPDATE outbox_archive SET correlation_id = 'depositing'"),
    "an unknown deposit was made twice": ("I-14", "billing", "UPDATE outbox_archive SET correlation_id = 'unknown'"),
    "an event never left": (
        "I-15",
        "orders",
        "INSERT INTO outbox (event_id, aggregate, subject, version, routing_key, at, body)"
        " VALUES (gen_random_uuid(), 'order', 'x', 1, 'x', now(), '{}')",
    ),
}


# What is wrong with what people were told, or with what was seen of the system at the end.
def _answered_otherwise(evidence: Evidence) -> None:
    evidence.operations[1].contradictions.append([201, {"transfer_id": "another"}])


def _acknowledged_and_never_done(evidence: Evidence) -> None:
    evidence.operations[-1].outcome = Outcome.OK
    evidence.operations[-1].answer = {}


def _an_order_was_said_not_to_be_there(evidence: Evidence) -> None:
    evidence.operations[-2].status = 404


def _an_old_balance_is_shown(evidence: Evidence) -> None:
    evidence.browsers[1].shown["balance", str(CUSTOMER)] = (3, (600, 0))


def _an_order_is_not_shown(evidence: Evidence) -> None:
    del evidence.browsers[1].shown["order", NUMBER]


def _staff_see_an_old_ticket(evidence: Evidence) -> None:
    evidence.browsers[0].shown["ticket", str(TICKET)] = (2, ("open", True, False))


def _a_queue_is_not_empty(evidence: Evidence) -> None:
    evidence.queues = {**evidence.queues, "orders.on.billing.order_paid.v1": 1}


def _there_is_a_dead_letter(evidence: Evidence) -> None:
    evidence.queues = dict.fromkeys(evidence.queues, 1)


def _nobody_looked_into_the_queues(evidence: Evidence) -> None:
    evidence.queues = {}


def _something_never_arrived(evidence: Evidence) -> None:
    evidence.never_arrived = "orders-worker: does not answer"


def _a_worker_does_not_relay(evidence: Evidence) -> None:
    evidence.leading = {**evidence.leading, "orders": 0.0}


TOLD_TO_PEOPLE: dict[Callable[[Evidence], None], str] = {
    _acknowledged_and_never_done: "I-4",
    _an_old_balance_is_shown: "I-11",
    _an_order_is_not_shown: "I-11",
    _staff_see_an_old_ticket: "I-11",
    _an_order_was_said_not_to_be_there: "I-13",
    _answered_otherwise: "I-14",
    _a_queue_is_not_empty: "I-15",
    _there_is_a_dead_letter: "I-15",
    _nobody_looked_into_the_queues: "I-15",
    _something_never_arrived: "I-15",
    _a_worker_does_not_relay: "I-16",
}
