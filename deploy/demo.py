"""Fill an empty shop with a believable one of our own making, through the gateway as anybody would.

Every request has a fixed Idempotency-Key, so that a run which was interrupted can be run again.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from iso4217 import Currency

from deploy.demo_shop import CUSTOMERS, LAST_CUSTOMER, ORDERS, PRODUCTS, TICKETS, CustomerStory, OrderStory
from deploy.settings import DemonstrationSettings
from shared.settings import load

PATIENCE_SECONDS = 30.0
# Each item goes this way once it is paid for; a story says how far.
WAY = ("ordered", "received", "packed", "shipped", "completed")


class Shop:
    """The gateway, as somebody who has signed in sees it."""

    def __init__(self, http: aiohttp.ClientSession, token: str, base: str = "/api/admin") -> None:
        self.http, self.base = http, base
        self.authorization = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
        headers = self.authorization | ({"Idempotency-Key": f"demonstration: {key}"} if key else {})
        async with self.http.request(method, self.base + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> Any:
        return await self._insist("GET", path)

    async def post(self, path: str, body: object, key: str) -> Any:
        return await self._insist("POST", path, body, key)

    async def patch(self, path: str, body: object) -> Any:
        return await self._insist("PATCH", path, body)

    async def _insist(self, method: str, path: str, body: object = None, key: str = "") -> Any:
        status, answer = await self.ask(method, path, body, key)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """The services tell each other everything, but not in no time."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (seen := await look()):
            await asyncio.sleep(0.05)
    return seen


async def fill(shop: Shop, financier: Shop, customer_password: str) -> None:
    """Customers with balances, then their orders, each with its story, then a large withdrawal, then their tickets."""
    *others, last = CUSTOMERS
    registered = await asyncio.gather(*(register(shop, customer, customer_password) for customer in others))
    ids = {customer.login: made["id"] for customer, made in zip(others, registered, strict=True)}
    currency = (await shop.get(f"/customers/{registered[0]['id']}/balance"))["currency"]
    unit = 10 ** (Currency(currency).exponent or 0)
    for customer in others:
        if customer.deposit:
            body = {"amount_minor": customer.deposit * unit, "currency": currency, "note": "Bank transfer, thank you"}
            await shop.post(f"/customers/{ids[customer.login]}/deposits", body, f"deposit {customer.login}")
    numbers = await asyncio.gather(
        *(tell(shop, index, order, ids[order.login], currency, unit) for index, order in enumerate(ORDERS))
    )
    for customer in others:
        if customer.withdrawal:
            body = {
                "amount_minor": customer.withdrawal * unit,
                "currency": currency,
                "note": "Back to your bank account",
            }
            await financier.post(f"/customers/{ids[customer.login]}/withdrawals", body, f"withdrawal {customer.login}")
    for index, ticket in enumerate(TICKETS):
        body = {"subject": ticket.subject, "text": ticket.text}
        if ticket.order is not None:
            body["order_number"] = numbers[ticket.order]
        if ticket.asked:
            portal = await sign_in(shop.http, ticket.login, customer_password, "/api/portal")
            await portal.post("/tickets", body, f"ticket {index}")
        else:
            await shop.post(f"/customers/{ids[ticket.login]}/tickets", body, f"ticket {index}")
    # The last customer's being there is the sign that all the rest is.
    await register(shop, last, customer_password)


async def register(shop: Shop, customer: CustomerStory, password: str) -> Any:
    body = {
        "login": customer.login,
        "name": customer.name,
        "email": f"{customer.login}@example.org",
        "phone": customer.phone,
        "shipping_address": customer.address,
        "password": password,
    }
    return await shop.post("/customers", body, f"customer {customer.login}")


async def tell(shop: Shop, index: int, order: OrderStory, customer_id: str, currency: str, unit: int) -> str:
    """Place an order and let happen to it what its story says. Returns its number."""
    items = [
        {
            "sku": sku,
            "title": PRODUCTS[sku][0],
            "quantity": quantity,
            "unit_price_minor": PRODUCTS[sku][1] * unit // 100,
        }
        for sku, quantity in order.items
    ]
    body = {
        "customer_id": customer_id,
        "currency": currency,
        "delivery_minor": 5 * unit,
        "shipping_address": next(each.address for each in CUSTOMERS if each.login == order.login),
        "items": items,
    }
    number = str((await shop.post("/orders", body, f"order {index}"))["number"])
    if order.paid:
        await pay(shop, number, f"payment {index}", order.paid)
    for step in WAY[: WAY.index(order.reaches) + 1 if order.reaches else 0]:
        for line in range(1, len(items) + 1):
            await shop.patch(f"/orders/{number}/items/{line}", {"status": step})
    if order.died:
        await shop.patch(f"/orders/{number}/items/{order.died}", {"status": "unable_to_deliver"})
    if order.dearer:
        raised = items[order.dearer - 1]["unit_price_minor"] + 3 * unit  # type: ignore[operator]
        await shop.patch(f"/orders/{number}/items/{order.dearer}", {"unit_price_minor": raised})
    if order.cancelled:
        await shop.post(f"/orders/{number}/cancellation", {"reason": order.cancelled}, f"cancellation {index}")
    return number


async def pay(shop: Shop, number: str, key: str, percent: int) -> None:
    """Pay so much of the order, once billing has heard of it; wait until the order shows it."""
    total_minor = (await shop.get(f"/orders/{number}"))["total_minor"]

    async def paid() -> bool:
        status, answer = await shop.ask(
            "POST", f"/orders/{number}/payments", {"amount_minor": total_minor * percent // 100}, key
        )
        if status == 503:
            return False
        if status != 201:
            raise RuntimeError(f"payment for {number}: {status} {answer}")
        return True

    async def shown() -> bool:
        page = await shop.get(f"/orders/{number}")
        return bool(page["paid_minor"]) and (percent < 100 or page["status"] == "paid")

    await eventually(paid)
    await eventually(shown)


async def is_wanted(shop: Shop) -> bool:
    """Only an empty shop is filled, and one whose filling was interrupted."""
    customers = (await shop.get("/customers?limit=100"))["items"]
    logins = {customer["login"] for customer in customers}
    return LAST_CUSTOMER not in logins and logins <= {customer.login for customer in CUSTOMERS}


async def sign_in(http: aiohttp.ClientSession, login: str, password: str, base: str = "/api/admin") -> Shop:
    async with http.post("/api/token", data={"username": login, "password": password}) as answer:
        token = await answer.json()
        if answer.status != 200:
            sys.exit(f"The demonstration's {login} cannot sign in: {token['detail']}")
    return Shop(http, token["access_token"], base)


async def main(settings: DemonstrationSettings) -> None:
    async with aiohttp.ClientSession(settings.url) as http:
        shop = await sign_in(http, "admin", settings.demo_admin_password)
        if await is_wanted(shop):
            financier = await sign_in(http, "financier", settings.demo_financier_password)
            await fill(shop, financier, settings.demo_customer_password)


if __name__ == "__main__":
    asyncio.run(main(load(DemonstrationSettings)))
