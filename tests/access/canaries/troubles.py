"""What goes well, and what fails, with the words in it."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika

from shared.auth import Caller, Role, private_key, sign
from shared.contracts.orders import CustomerRegistered, OrderPlaced
from shared.messaging import BATCHES, DEAD_LETTERS, SERVICES
from tests.access.canaries.shop import Shop
from tests.access.canaries.words import REFUSED, SLOW, WRITTEN
from tests.eventually import eventually

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"


async def work_that_goes_well(shop: Shop) -> tuple[str, str]:
    profile = {
        **{name: WRITTEN[name] for name in ("login", "name", "phone", "password")},
        "email": f"{WRITTEN['email']}@example.org",
        "shipping_address": WRITTEN["address"],
    }
    customer = (await shop.ask("new customer", "POST", "/api/admin/customers", json=profile)).json()["id"]
    money = {"amount_minor": 100, "currency": "USD", "note": WRITTEN["note"], "staff_note": WRITTEN["staff-note"]}
    for what in ("deposits", "withdrawals"):
        await shop.ask(what, "POST", f"/api/admin/customers/{customer}/{what}", json=money)
    await shop.ask("order", "POST", "/api/admin/orders", json=_order(customer))
    form = {"username": WRITTEN["login"], "password": WRITTEN["password"]}
    own = {"Authorization": f"Bearer {(await shop.http.post('/api/token', data=form)).json()['access_token']}"}
    ticket = {"subject": WRITTEN["subject"], "text": WRITTEN["text"]}
    begun = await shop.ask("ticket", "POST", "/api/portal/tickets", json=ticket, headers=own)
    shop.tokens.append(own["Authorization"].removeprefix("Bearer "))
    return customer, begun.json()["ticket"]["id"]


async def everything_that_is_refused(shop: Shop, customer: str, ticket: str) -> None:
    wrong, secret = {"login": "admin", "password": WRITTEN["wrong-password"]}, WRITTEN["password"]
    orders = f"/api/admin/customers/{customer}"
    json = {"Content-Type": "application/json"}
    for name, method, path, more in (
        ("wrong password", "POST", "/api/session", {"json": wrong}),
        ("wrong password, form", "POST", "/api/token", {"data": {"username": "x", "password": secret}}),
        ("password of no text", "POST", "/api/session", {"json": {"login": "admin", "password": [secret]}}),
        ("password in a torn body", "POST", "/api/session",
         {"content": f'{{"password": "{secret}', "headers": json}),
        ("password said twice", "POST", "/api/session",
         {"content": f'{{"password":"{secret}","password":"{secret}"}}', "headers": json}),
        ("password too long", "POST", "/api/session", {"json": {"login": "admin", "password": secret * 1_000}}),
        ("password in a query", "GET", f"/api/admin/orders?password={WRITTEN['query-password']}", {}),
        ("password in a query of nothing", "GET", f"/nothing?password={WRITTEN['query-password']}", {}),
        ("password in a header", "GET", "/api/admin/nothing",
         {"headers": {"X-Password": WRITTEN["header-password"], "X-Correlation-Id": f"{secret}!"}}),
        ("basic", "GET", "/api/session", {"headers": {"Authorization": f"Basic {WRITTEN['basic']}"}}),
        ("cookie", "GET", "/api/session",
         {"headers": {"Authorization": "", "Cookie": f"purser={WRITTEN['cookie']}"}}),
        ("bearer", "GET", "/api/session", {"headers": {"Authorization": f"Bearer {WRITTEN['bearer']}"}}),
        ("key too long", "POST", f"{orders}/deposits",
         {"json": {"amount_minor": 1, "currency": "USD"}, "headers": {"Idempotency-Key": WRITTEN["key"] * 100}}),
        ("note of no text", "POST", f"{orders}/deposits", {"json": {"note": [WRITTEN["note"]]}}),
        ("message of no text", "POST", f"/api/admin/tickets/{ticket}/messages",
         {"json": {"text": [WRITTEN["text"]]}}),
        ("search", "GET", "/api/admin/orders", {"params": {"q": WRITTEN["search"] * 1_000}}),
        ("cursor", "GET", "/api/admin/orders", {"params": {"cursor": WRITTEN["search"]}}),
        ("day", "GET", f"{orders}/transfers", {"params": {"from": WRITTEN["search"]}}),
        ("not enough money", "POST", f"{orders}/withdrawals",
         {"json": {"amount_minor": 10**6, "currency": "USD", "note": WRITTEN["note"]}}),
    ):  # fmt: skip
        await shop.ask(name, method, path, **more)
    for name, service in (("for another service", "support"), ("for another request", "billing")):
        word = sign(private_key(shop.system.secrets.caller_private_key), Caller("x", Role.ADMIN), service, "GET", "/x")
        shop.tokens.append(word)
        url = shop.system.programs.url("billing-api")
        await shop.ask(name, "GET", f"{url}/hold-counts", headers={"Authorization": f"Bearer {word}"})


async def what_the_databases_refuse(shop: Shop, customer: str, ticket: str) -> None:
    profile = {
        "login": "another", "name": f"{WRITTEN['name']} {REFUSED}", "email": f"{WRITTEN['email']}@example.org",
        "phone": WRITTEN["phone"], "shipping_address": WRITTEN["address"], "password": WRITTEN["password"],
    }  # fmt: skip
    money = {"amount_minor": 1, "currency": "USD", "note": f"{WRITTEN['note']} {REFUSED}"}
    message = f"/api/admin/tickets/{ticket}/messages"
    await asyncio.gather(
        shop.ask("customer", "POST", "/api/admin/customers", json=profile),
        shop.ask("deposit", "POST", f"/api/admin/customers/{customer}/deposits", json=money),
        shop.ask("address", "POST", "/api/admin/orders", json=_order(customer, address=REFUSED)),
        shop.ask("title", "POST", "/api/admin/orders", json=_order(customer, title=REFUSED)),
        shop.ask("message", "POST", message, json={"text": f"{WRITTEN['text']} {REFUSED}"}),
    )
    await shop.ask("slow message", "POST", message, json={"text": f"{WRITTEN['text']} {SLOW}"})


async def events_that_cannot_be_taken(shop: Shop) -> None:
    """Such as nobody can read, and two whose reactions fail."""
    placed = OrderPlaced.model_validate_json((EXAMPLES / f"{OrderPlaced.routing_key}.json").read_bytes())
    sick = placed.model_copy(update={"order_number": "ORD-0000004711", "total_minor": 4711, "customer_id": uuid4()})
    registered = CustomerRegistered(version=1, at=placed.at, customer_id=uuid4(), login=f"{WRITTEN['event']} {REFUSED}")
    secret, key = WRITTEN["event"], OrderPlaced.routing_key
    async with await aio_pika.connect(shop.system.programs.broker_url("operator")) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(BATCHES, ensure=False)
        for body, type_, event_id, sent_as in (
            (f"no JSON {secret}", key, "", key),
            (f'{{"version": "{secret}", "{secret}": 1}}', key, "", key),
            ("{}", WRITTEN["type"], "", key),
            ("{}", key, WRITTEN["type"], key),
            (sick.model_dump_json(), key, "", key),
            (registered.model_dump_json(), registered.routing_key, "", registered.routing_key),
        ):
            headers = {"ce-type": type_, "ce-id": event_id or str(uuid4()), "x-note": secret}
            message = aio_pika.Message(body.encode(), headers=dict(headers), message_id=str(uuid4()))
            await exchange.publish(message, sent_as, timeout=5)
        queue = await channel.get_queue(DEAD_LETTERS, ensure=False)

        async def four_have_died() -> bool:
            return (await channel.declare_queue(DEAD_LETTERS, passive=True)).declaration_result.message_count == 4

        await eventually(four_have_died, "the events that are none as dead letters")
        while (letter := await queue.get(fail=False)) is not None:
            shop.heard.letters[str(letter.headers["ce-id"])] = str(letter.headers["x-died-of"])


async def no_database(shop: Shop, customer: str) -> None:
    """Killed while it is asked, and started again by its keeper."""
    shop.system.postgres.kill()
    wrong = {"login": "admin", "password": WRITTEN["wrong-password"]}
    await asyncio.gather(
        shop.ask("no database", "POST", "/api/admin/orders", json=_order(customer)),
        shop.ask("no database to sign in", "POST", "/api/session", json=wrong),
    )

    async def relays_miss_it() -> bool:
        return all("relay interrupted" in shop.home.log(f"{name}-worker").read_text() for name in SERVICES)

    await eventually(relays_miss_it, "the relays say that the database is away")


def _order(customer: str, address: str = "", title: str = "") -> dict[str, Any]:
    return {
        "customer_id": customer,
        "currency": "USD",
        "shipping_address": WRITTEN["address"] + address,
        "items": [{"sku": "S", "title": WRITTEN["title"] + title, "quantity": 1, "unit_price_minor": 50}],
    }
