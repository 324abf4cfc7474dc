"""What customers and staff wish for, and how often: a new kind is a function and a line in the table at the end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ORDERS_AT_ONCE = 10
CURRENCY = "USD"
PASSWORD = "correct horse battery staple"


@dataclass
class Customer:
    """Somebody who buys, and what the clients know of their affairs."""

    login: str
    id: str
    orders: dict[str, int] = field(default_factory=dict)
    """How many lines each has."""
    tickets: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    """Withdrawals that wait for somebody else's approval."""


@dataclass(frozen=True)
class Wish:
    """What somebody is about to ask for."""

    kind: str
    login: str
    method: str
    path: str
    body: dict[str, Any] | None = None


# Each gives None where there is nothing yet to wish it of.


def place(customer: Customer, chance: random.Random) -> Wish | None:
    if len(customer.orders) >= ORDERS_AT_ONCE:
        return cancel(customer, chance)
    items = [
        {
            "sku": f"S{line}",
            "title": "Thing",
            "quantity": chance.randint(1, 3),
            "unit_price_minor": chance.randint(1, 3_000),
        }
        for line in range(chance.randint(1, 3))
    ]
    body = {"currency": CURRENCY, "delivery_minor": chance.choice((0, 500)), "shipping_address": "Here", "items": items}
    return Wish("place", customer.login, "POST", "/api/portal/orders", body)


def pay(customer: Customer, chance: random.Random) -> Wish | None:
    if not customer.orders:
        return place(customer, chance)
    number = chance.choice(list(customer.orders))
    body = {} if chance.random() < 0.6 else {"amount_minor": chance.randint(1, 3_000)}
    login = chance.choice((customer.login, "financier"))
    base = "portal" if login == customer.login else "admin"
    return Wish("pay", login, "POST", f"/api/{base}/orders/{number}/payments", body)


def cancel(customer: Customer, chance: random.Random) -> Wish | None:
    if not customer.orders:
        return None
    number = chance.choice(list(customer.orders))
    return Wish("cancel", "operator", "POST", f"/api/admin/orders/{number}/cancellation", {"reason": "changed plans"})


def amend(customer: Customer, chance: random.Random) -> Wish | None:
    """Price, quantity, die, or move on."""
    if not customer.orders:
        return None
    number, lines = chance.choice(list(customer.orders.items()))
    body = chance.choice(
        (
            {"unit_price_minor": chance.randint(1, 3_000)},
            {"unit_price_minor": chance.randint(1, 3_000), "status": "awaiting_payment"},
            {"quantity": chance.randint(1, 3)},
            {"status": chance.choice(("unable_to_deliver", "cancelled"))},
            {"status": "ordered"},
        )
    )
    path = f"/api/admin/orders/{number}/items/{chance.randint(1, lines)}"
    return Wish("amend", "operator", "PATCH", path, body)


def accept(customer: Customer, chance: random.Random) -> Wish | None:
    if not customer.orders:
        return None
    number, lines = chance.choice(list(customer.orders.items()))
    path = f"/api/portal/orders/{number}/items/{chance.randint(1, lines)}/acceptance"
    return Wish("accept", customer.login, "POST", path)


def deposit(customer: Customer, chance: random.Random) -> Wish:
    return _money("deposit", customer, chance.randint(1, 10_000))


def withdraw(customer: Customer, chance: random.Random) -> Wish:
    return _money("withdraw", customer, chance.randint(1, 4_000))


def _money(kind: str, customer: Customer, amount_minor: int) -> Wish:
    path = f"/api/admin/customers/{customer.id}/{'deposits' if kind == 'deposit' else 'withdrawals'}"
    return Wish(kind, "financier", "POST", path, {"amount_minor": amount_minor, "currency": CURRENCY})


def decide(customer: Customer, chance: random.Random) -> Wish | None:
    """Let a withdrawal happen that waits, or not."""
    if not customer.holds:
        return None
    what = chance.choice(("approval", "refusal"))
    return Wish("decide", "admin", "POST", f"/api/admin/holds/{chance.choice(customer.holds)}/{what}", {})


def ticket(customer: Customer, chance: random.Random) -> Wish:
    body = {"subject": "A question", "text": "What about this?"}
    if customer.orders and chance.random() < 0.6:
        body["order_number"] = chance.choice(list(customer.orders))
    return Wish("ticket", customer.login, "POST", "/api/portal/tickets", body)


def _about_ticket(kind: str, what: str, body: dict[str, Any] | None) -> Callable[[Customer, random.Random], Wish]:
    """By the customer or by staff."""

    def wish(customer: Customer, chance: random.Random) -> Wish:
        if not customer.tickets:
            return ticket(customer, chance)
        login = chance.choice((customer.login, "operator"))
        base = "portal" if login == customer.login else "admin"
        return Wish(kind, login, "POST", f"/api/{base}/tickets/{chance.choice(customer.tickets)}/{what}", body)

    return wish


message = _about_ticket("message", "messages", {"text": "One more word"})
read = _about_ticket("read", "read", {})


def close(customer: Customer, chance: random.Random) -> Wish | None:
    if not customer.tickets:
        return None
    return Wish("close", "operator", "POST", f"/api/admin/tickets/{chance.choice(customer.tickets)}/close")


def register(_: Customer, chance: random.Random) -> Wish:
    login = f"later-{chance.getrandbits(48):012x}"
    profile = {"login": login, "name": "Later", "email": f"{login}@example.org", "password": PASSWORD}
    return Wish("register", "admin", "POST", "/api/admin/customers", profile)


def look(customer: Customer, chance: random.Random) -> Wish:
    paths = ["/api/portal/balance", "/api/portal/tickets", "/api/portal/transfers?limit=20"]
    paths += [f"/api/portal/orders/{number}" for number in customer.orders]
    return Wish("look", customer.login, "GET", chance.choice(paths))


# Many that are cheap, so that the dear ones (an order changes: six processes have work) meet all kinds of neighbours.
_WEIGHTED: dict[Callable[[Customer, random.Random], Wish | None], float] = {
    message: 37,
    read: 28,
    deposit: 16,
    withdraw: 4,
    decide: 1,
    pay: 5,
    place: 2,
    amend: 3,
    cancel: 0.5,
    accept: 0.5,
    ticket: 0.5,
    close: 2.5,
    register: 0.05,
    look: 1,
}
WISHES, WEIGHTS = tuple(_WEIGHTED), tuple(_WEIGHTED.values())
