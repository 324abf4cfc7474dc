"""A small shop, written straight into four databases, in which every invariant holds: for the tests of the judge."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg

from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.messaging import DEAD_LETTERS
from tests.faults.browsers import Browser
from tests.faults.history import Operation, Outcome
from tests.faults.judge import Evidence

CUSTOMER, CASH, SALES = UUID(int=1), UUID(int=2), UUID(int=3)
TICKET, HOLD, MESSAGE = UUID(int=4), UUID(int=5), UUID(int=6)
DEPOSIT, PAYMENT, REFUND = UUID(int=7), UUID(int=8), UUID(int=9)
NUMBER = "ORD-0000000001"
NOW = datetime.now(UTC)

Connection: TypeAlias = asyncpg.Connection


class World:
    """A deposit of 1000; an order of 600, paid from it, of which an item of 200 died; a withdrawal waits; a ticket."""

    def __init__(self, databases: Mapping[str, Connection]) -> None:
        self.databases = databases

    async def write(self) -> Evidence:
        """All of it; gives the evidence of a run that came to it."""
        await self._orders()
        await self._billing()
        await self._support()
        return Evidence(
            self.databases,
            operations=_operations(),
            browsers=[_browser(None), _browser(str(CUSTOMER))],
            queues={DEAD_LETTERS: 0, "orders.on.billing.order_paid.v1": 0},
            leading=dict.fromkeys(("orders", "billing", "support"), 1.0),
        )

    async def _orders(self) -> None:
        profile = {"login": "anna", "name": "Anna", "phone": "", "email": "a@b", "shipping_address": ""}
        await self._insert("orders", "customers", id=CUSTOMER, **profile)
        order = {"customer_id": CUSTOMER, "status": "paid", "currency": "USD", "delivery_minor": 0, "version": 4}
        figures = {"total_minor": 400, "paid_minor": 400, "billing_version": 2, "first_paid_in_full_at": NOW}
        await self._insert("orders", "orders", number=1, **order, **figures, shipping_address="")
        for line, price_minor, status in ((1, 400, "paid"), (2, 200, "unable_to_deliver")):
            item = {"sku": "S", "title": "Thing", "quantity": 1, "unit_price_minor": price_minor, "status": status}
            await self._insert("orders", "items", order_number=1, line=line, **item)
        await self._tell("orders.customer_registered.v1", "customer", str(CUSTOMER), 1, "registering", {})
        for version, event, status, total_minor, remaining_minor, mark in (
            (1, "placed", "awaiting_payment", 600, 600, "placing"),
            (2, "changed", "paid", 600, 0, "paying"),
            (3, "amended", "paid", 400, 0, "amending"),
            (4, "changed", "paid", 400, 0, "amending"),
        ):
            facts = {"status": status, "total_minor": total_minor, "remaining_minor": remaining_minor}
            await self._tell(f"orders.order_{event}.v1", "order", NUMBER, version, mark, facts)

    async def _billing(self) -> None:
        for account, kind in ((CASH, "cash"), (SALES, "sales")):
            await self._insert("billing", "accounts", id=account, kind=kind, currency="USD")
        money = {"balance_minor": 600, "held_minor": 50, "version": 4}
        await self._insert("billing", "accounts", id=CUSTOMER, kind="customer", currency="USD", **money)
        for version, transfer, kind, amount_minor, after_minor, debit, credit, mark in (
            (1, DEPOSIT, "deposit", 1_000, 1_000, CASH, CUSTOMER, "depositing"),
            (2, PAYMENT, "payment", 600, 400, CUSTOMER, SALES, "paying"),
            (3, REFUND, "refund", 200, 600, SALES, CUSTOMER, "amending"),
        ):
            order = (
                {} if kind == "deposit" else {"order_number": NUMBER, "order_version": 1 if kind == "payment" else 3}
            )
            await self._insert(
                "billing",
                "transfers",
                id=transfer,
                customer_id=CUSTOMER,
                account_version=version,
                debit_account=debit,
                credit_account=credit,
                amount_minor=amount_minor,
                currency="USD",
                kind=kind,
                balance_after_minor=after_minor,
                made_by="financier" if kind == "deposit" else "anna",
                **order,
            )
            balance = {"balance_minor": after_minor}
            await self._tell("billing.balance_changed.v1", "account", str(CUSTOMER), version, mark, balance)
            if order:
                event, invoice_version = ("paid", 1) if kind == "payment" else ("refunded", 2)
                facts = {"transfer_id": str(transfer), "amount_minor": amount_minor, "remaining_minor": 0}
                await self._tell(f"billing.order_{event}.v1", "invoice", NUMBER, invoice_version, mark, facts)
        hold = {"amount_minor": 50, "currency": "USD", "asked_by": "financier", "asked_at": NOW, "expires_at": NOW}
        await self._insert("billing", "holds", id=HOLD, customer_id=CUSTOMER, begun_version=4, state="waiting", **hold)
        await self._tell(
            "billing.balance_changed.v1", "account", str(CUSTOMER), 4, "withdrawing", {"balance_minor": 600}
        )
        invoice = {"customer_id": CUSTOMER, "currency": "USD", "total_minor": 400, "paid_minor": 400}
        versions = {"order_version": 3, "version": 2, "cancelled": False, "first_paid_in_full_at": NOW}
        await self._insert("billing", "invoices", order_number=NUMBER, **invoice, **versions)

    async def _support(self) -> None:
        read = {"customer_seq": 1, "staff_seq": 0, "read_by_staff_seq": 0, "read_by_customer_seq": 0}
        ticket = {"customer_id": CUSTOMER, "order_number": NUMBER, "subject": "A question", "status": "open"}
        at = {"begun_at": NOW, "changed_at": NOW}
        await self._insert("support", "tickets", id=TICKET, **ticket, messages=3, **read, **at, version=3)
        said = {"ticket_id": TICKET, "at": NOW}
        words = {"author": "customer", "author_login": "anna", "text": "What about this?"}
        await self._insert("support", "messages", **said, seq=1, id=MESSAGE, **words)
        for seq, transfer, kind, amount_minor in ((2, PAYMENT, "paid", 600), (3, REFUND, "refunded", 200)):
            operation = {"kind": kind, "amount_minor": amount_minor, "currency": "USD", "at": NOW}
            about = {"order_number": NUMBER, "customer_id": CUSTOMER}
            await self._insert("support", "operations", transfer_id=transfer, **about, **operation)
            line = {"author": "system", "text": kind, "transfer_id": transfer}
            await self._insert("support", "messages", **said, seq=seq, id=uuid4(), **line)
        await self._insert("support", "counts", customer_id=CUSTOMER, total=1, new=1, answered=0, version=1)
        await self.databases["support"].execute("UPDATE shop_count SET new = 1, version = 2")
        for version, mark in ((1, "asking"), (2, "paying"), (3, "amending")):
            await self._tell("support.ticket_changed.v1", "ticket", str(TICKET), version, mark, {})
        await self._tell("support.ticket_counts_changed.v1", "ticket_counts", str(CUSTOMER), 1, "asking", {})

    async def _tell(
        self, routing_key: str, aggregate: str, subject: str, version: int, mark: str, body: dict[str, Any]
    ) -> None:
        """An event that was told, and taken by all its listeners."""
        service, event_id = routing_key.partition(".")[0], uuid4()
        position = await self.databases[service].fetchval("SELECT 1 + count(*) FROM outbox_archive")
        told = {"routing_key": routing_key, "aggregate": aggregate, "subject": subject, "version": version}
        what = {"body": json.dumps(body), "correlation_id": mark, "at": NOW}
        await self._insert(service, "outbox_archive", event_id=event_id, position=position, **told, **what)
        for listener, events in SUBSCRIPTIONS.items():
            if routing_key in {event.routing_key for event in events}:
                await self._insert(listener, "inbox", event_id=event_id)

    async def _insert(self, service: str, table: str, **columns: object) -> None:
        places = ", ".join(f"${place}" for place, _ in enumerate(columns, 1))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
        await self.databases[service].execute(statement, *columns.values())


def _operations() -> list[Operation]:
    """What people asked for, and were answered."""
    ticket = {"id": str(TICKET), "version": 1}
    page = {"number": NUMBER, "items": [[1, "paid", 400]]}
    placed = {**page, "version": 1, "status": "awaiting_payment", "total_minor": 600}
    amended = {**page, "version": 3, "status": "paid", "total_minor": 400}
    held = {"id": str(HOLD), "state": "waiting"}
    words = {"text": "What about this?"}
    return [
        _operation("register", "registering", "admin", {"id": str(CUSTOMER)}),
        _operation("deposit", "depositing", "financier", {"transfer_id": str(DEPOSIT)}, {"amount_minor": 1_000}),
        _operation("place", "placing", "anna", placed),
        _operation("pay", "paying", "anna", {"transfer_id": str(PAYMENT)}, {}),
        _operation("amend", "amending", "operator", amended),
        _operation("withdraw", "withdrawing", "financier", held, {"amount_minor": 50}),
        _operation("ticket", "asking", "anna", {"ticket": ticket, "messages": []}, words),
        _operation("read", "reading", "anna", {"id": str(TICKET), "version": 3}),
        Operation("refused", "pay", "anna", "POST", "", {}, Outcome.FAIL, 409),
        Operation("unknown", "deposit", "financier", "POST", "", {"amount_minor": 1}),
    ]


def _operation(kind: str, mark: str, login: str, answer: object, body: dict[str, Any] | None = None) -> Operation:
    return Operation(mark, kind, login, "POST", "", body, Outcome.OK, 201, answer)


def _browser(customer_id: str | None) -> Browser:
    """Shows everything as it is."""
    browser = Browser(None, "", "anna" if customer_id else "admin", customer_id)  # type: ignore[arg-type]
    browser.shown = {
        ("balance", str(CUSTOMER)): (4, (600, 50)),
        ("counts", str(CUSTOMER)): (1, (1, 1, 0)),
        ("order", NUMBER): (4, ("paid",)),
        ("ticket", str(TICKET)): (3, ("open", True, False)),
    }
    if customer_id is None:
        browser.shown["shop", ""] = (2, (1,))
    return browser
