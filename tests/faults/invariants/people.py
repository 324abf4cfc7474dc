"""What people were told, by answers and by live streams: I-4, I-11, I-13, I-14."""

from collections import Counter
from typing import Any

from tests.faults.browsers import Shown, Thing
from tests.faults.history import Operation, Outcome, as_evidence
from tests.faults.judge import EVENTS, Evidence, Finding, differences

# The event by which an operation takes effect: its mark is the event's correlation id.
EFFECTS = {
    "deposit": ("billing", "billing.balance_changed.v1"),
    "withdraw": ("billing", "billing.balance_changed.v1"),
    "decide": ("billing", "billing.balance_changed.v1"),
    "pay": ("billing", "billing.order_paid.v1"),
    "place": ("orders", "orders.order_placed.v1"),
    "register": ("orders", "orders.customer_registered.v1"),
    "ticket": ("support", "support.ticket_changed.v1"),
    "message": ("support", "support.ticket_changed.v1"),
}


async def i04_what_was_acknowledged_is_there(evidence: Evidence) -> Finding:
    """Every operation that was answered as done has its effect, with the values of the request and of the answer."""
    effects = await _effects(evidence)
    acknowledged = [each for each in evidence.operations if each.outcome is Outcome.OK]
    found = [
        f"lost: {as_evidence(each)}" for each in acknowledged if each.is_keyed and not effects[each.kind, each.mark]
    ]
    found += await _transfers(evidence, acknowledged)
    found += await _pages(evidence, acknowledged)
    found += await _conversations(evidence, acknowledged)
    return Finding(len(acknowledged), found)


async def i11_what_is_counted_and_shown_is_so(evidence: Evidence) -> Finding:
    """Support's counts are those of a recount, and every open browser shows the newest of everything it shows."""
    recounted = await evidence.rows(
        "support",
        """
        SELECT customer_id, counts.total, recount.total AS really, counts.new, recount.new AS really_new,
               counts.answered, recount.answered AS really_answered
        FROM counts FULL JOIN (
            SELECT customer_id, count(*) AS total, count(*) FILTER (WHERE new) AS new,
                   count(*) FILTER (WHERE answered) AS answered
            FROM tickets GROUP BY customer_id
        ) AS recount USING (customer_id)
        WHERE (counts.total, counts.new, counts.answered)
              IS DISTINCT FROM (recount.total, recount.new, recount.answered)
        """,
    )
    found = differences("a customer's tickets are counted wrong", recounted)
    shop = await evidence.rows(
        "support",
        "SELECT new, (SELECT count(*) FROM tickets WHERE new) AS really FROM shop_count"
        " WHERE new <> (SELECT count(*) FROM tickets WHERE new)",
    )
    found += differences("the shop's tickets are counted wrong", shop)
    found += await shown_wrong(evidence)
    return Finding(sum(len(browser.shown) for browser in evidence.browsers), found)


async def i13_what_was_refused_did_nothing(evidence: Evidence) -> Finding:
    """An operation that was refused at every try has no effect; clients, who ask only for what is there and theirs, are
    never told that it is not."""
    effects = await _effects(evidence)
    refused = [each for each in evidence.operations if each.outcome is Outcome.FAIL]
    found = [f"refused and done: {as_evidence(each)}" for each in refused if effects[each.kind, each.mark]]
    found += [f"refused without reason: {as_evidence(each)}" for each in refused if each.status in (401, 403, 404, 422)]
    return Finding(len(refused), found)


async def i14_what_was_repeated_was_done_once(evidence: Evidence) -> Finding:
    """No operation has two effects, however often it was sent; every repeat was answered as the first time."""
    effects = await _effects(evidence)
    found = [
        f"done {effects[each.kind, each.mark]} times: {as_evidence(each)}"
        for each in evidence.operations
        if effects[each.kind, each.mark] > 1
    ]
    found += [f"answered otherwise: {as_evidence(each)}" for each in evidence.operations if each.contradictions]
    return Finding(len(evidence.operations), found)


async def _effects(evidence: Evidence) -> Counter[tuple[str, str]]:
    """How often each operation took effect, by kind and mark."""
    counted: Counter[tuple[str, str]] = Counter()
    for service in {service for service, _ in EFFECTS.values()}:
        rows = await evidence.rows(
            service,
            f"WITH {EVENTS} SELECT routing_key, correlation_id, count(*) FROM events"
            " WHERE correlation_id IS NOT NULL GROUP BY routing_key, correlation_id",
        )
        kinds = {
            key: [kind for kind, effect in EFFECTS.items() if effect == (service, key)]
            for key in {row["routing_key"] for row in rows}
        }
        for row in rows:
            for kind in kinds[row["routing_key"]]:
                counted[kind, row["correlation_id"]] = row["count"]
    return counted


async def _transfers(evidence: Evidence, acknowledged: list[Operation]) -> list[str]:
    """Each answer's transfer or hold is there, is that operation's alone, and has its amount."""
    transfers = await evidence.rows("billing", "SELECT id::text, amount_minor, made_by FROM transfers")
    holds = await evidence.rows("billing", "SELECT id::text, amount_minor, asked_by AS made_by FROM holds")
    there = {row["id"]: row for row in (*transfers, *holds)}
    found, claimed = [], set()
    for each in acknowledged:
        made = isinstance(each.answer, dict) and (each.answer.get("transfer_id") or each.answer.get("id"))
        if each.kind not in ("deposit", "withdraw", "decide", "pay") or not made:
            continue
        asked_minor = (each.body or {}).get("amount_minor")
        if made not in there:
            found.append(f"no such transfer or hold: {as_evidence(each)}")
        elif asked_minor not in (None, there[made]["amount_minor"]):
            found.append(f"another amount, {there[made]}: {as_evidence(each)}")
        elif there[made]["made_by"] != each.login and each.kind != "decide":
            found.append(f"another person's, {there[made]}: {as_evidence(each)}")
        if (made, each.kind) in claimed:
            found.append(f"answered to two: {as_evidence(each)}")
        claimed.add((made, each.kind))
    return found


async def _pages(evidence: Evidence, acknowledged: list[Operation]) -> list[str]:
    """Each page that was answered was an order at that version; what was cancelled stays so."""
    told = await evidence.rows(
        "orders",
        f"""
        WITH {EVENTS} SELECT subject, version, body::jsonb ->> 'status' AS status,
               (body::jsonb ->> 'total_minor')::bigint AS total_minor
        FROM events WHERE aggregate = 'order'
        """,
    )
    stood = {(row["subject"], row["version"]): (row["status"], row["total_minor"]) for row in told}
    rows = await evidence.rows(
        "orders", "SELECT 'ORD-' || lpad(number::text, 10, '0') AS number FROM orders WHERE status = 'cancelled'"
    )
    cancelled = {row["number"] for row in rows}
    found = []
    for each in acknowledged:
        if isinstance(page := each.answer, dict) and "number" in page:
            if stood.get((page["number"], page["version"])) != (page["status"], page["total_minor"]):
                found.append(f"the order never was so: {as_evidence(each)}")
            if each.kind == "cancel" and page["number"] not in cancelled:
                found.append(f"not cancelled any more: {as_evidence(each)}")
    return found


async def _conversations(evidence: Evidence, acknowledged: list[Operation]) -> list[str]:
    """Each message that was answered is there, at its place; a ticket never goes back."""
    rows = await evidence.rows("support", "SELECT id::text, seq, text FROM messages")
    messages = {row["id"]: (row["seq"], row["text"]) for row in rows}
    versions = {
        row["id"]: row["version"] for row in await evidence.rows("support", "SELECT id::text, version FROM tickets")
    }
    found = []
    for each in acknowledged:
        if each.kind == "message":
            if messages.get(each.answer["id"]) != (each.answer["seq"], (each.body or {})["text"]):
                found.append(f"no such message: {as_evidence(each)}")
        elif each.kind in ("ticket", "read", "close"):
            row = each.answer["ticket"] if each.kind == "ticket" else each.answer
            if versions.get(row["id"], 0) < row["version"]:
                found.append(f"the ticket has gone back: {as_evidence(each)}")
    return found


async def shown_wrong(evidence: Evidence) -> list[str]:
    """What some browser shows otherwise than it is, or does not show though it should."""
    truth = await _truth(evidence)
    orders: dict[str, list[str]] = {}
    for row in await evidence.rows(
        "orders",
        "SELECT customer_id::text, 'ORD-' || lpad(number::text, 10, '0') AS number FROM orders ORDER BY number DESC",
    ):
        orders.setdefault(row["customer_id"], []).append(row["number"])
    found = []
    for browser in evidence.browsers:
        for thing, shown in browser.shown.items():
            if (there := truth.get(thing, _nothing(thing))) != shown:
                found.append(f"{browser.login}'s browser shows {thing} as {shown}, it is {there}")
        due: list[Thing] = [("shop", "")]
        if browser.customer_id is not None:
            due = [("balance", browser.customer_id), ("counts", browser.customer_id)]
            due += [("order", number) for number in orders.get(browser.customer_id, [])[:100]]
        found += [f"{browser.login}'s browser does not show {thing}" for thing in due if thing not in browser.shown]
    return found


def _nothing(thing: Thing) -> Shown | None:
    """What is shown of what was never there."""
    return {"balance": (0, (0, 0)), "counts": (0, (0, 0, 0))}.get(thing[0])


async def _truth(evidence: Evidence) -> dict[Thing, Shown]:
    truth: dict[Thing, Shown] = {}

    def add(kind: str, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            name, version, *figures = row.values()
            truth[kind, name] = (version, tuple(figures))

    add("balance", await evidence.rows("billing", "SELECT id::text, version, balance_minor, held_minor FROM accounts"))
    add("counts", await evidence.rows("support", "SELECT customer_id::text, version, new, total, answered FROM counts"))
    add("shop", await evidence.rows("support", "SELECT '', version, new FROM shop_count"))
    add("ticket", await evidence.rows("support", "SELECT id::text, version, status, new, answered FROM tickets"))
    add(
        "order",
        await evidence.rows("orders", "SELECT 'ORD-' || lpad(number::text, 10, '0'), version, status FROM orders"),
    )
    return truth
