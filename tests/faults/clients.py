"""Customers and staff who work the shop through the gateway, all at once, and send again what was not answered."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import aiohttp

from tests.faults.history import History, Operation, Outcome, essence
from tests.faults.wishes import PASSWORD, WEIGHTS, WISHES, Customer, Wish

ANSWER_SECONDS = 12.0
# After a try that was not answered; then the operation stays unknown, and is asked about once all is quiet.
PAUSES = (0.1, 0.2, 0.3, 0.5, 0.7, *(1.0,) * 8)
REPEATED = 0.04
TICKETS_KNOWN = 6


class Clients:
    """Everybody, over one pool of connections."""

    def __init__(self, http: aiohttp.ClientSession, history: History, tokens: Mapping[str, str]) -> None:
        self.http, self.history, self.tokens = http, history, dict(tokens)
        self.customers: list[Customer] = []
        self._stopped = False

    def stop(self) -> None:
        """Let every client end after what it is at."""
        self._stopped = True

    async def work(self, chance: random.Random, pace_seconds: float) -> None:
        """Be one client: one wish after the other."""
        while not self._stopped:
            customer = chance.choice(self.customers)
            wish = chance.choices(WISHES, WEIGHTS)[0](customer, chance)
            if wish is None:
                continue
            if wish.method == "GET":
                await self._try(wish, None)
            else:
                operation = self.history.invoke(wish.kind, wish.login, wish.method, wish.path, wish.body)
                await self.perform(operation)
                learn(customer, operation, chance)
                if operation.outcome is Outcome.OK and operation.is_keyed and chance.random() < REPEATED:
                    await self.repeat(operation)
            await asyncio.sleep(chance.uniform(0, 2 * pace_seconds))

    async def perform(self, operation: Operation) -> None:
        """Send it until it is answered, or patience ends."""
        for pause in PAUSES:
            operation.tries += 1
            operation.status, answer = await self._try(operation, operation.mark)
            if not is_transient(operation.status, answer):
                operation.answer = essence(answer)
                if operation.status < 300:
                    operation.outcome = Outcome.OK
                elif not operation.unanswered:
                    operation.outcome = Outcome.FAIL
                break
            operation.unanswered += 1
            await asyncio.sleep(pause)
        self.history.complete(operation)

    async def repeat(self, operation: Operation) -> None:
        """Send it once more: it must be answered as before, if it is answered."""
        status, answer = await self._try(operation, operation.mark)
        if not is_transient(status, answer) and (status, essence(answer)) != (operation.status, operation.answer):
            self.history.contradicted(operation, [status, essence(answer)])

    async def ask_about_unknown(self) -> None:
        """Send again what has stayed unknown: it is answered now, and answered the same once more."""
        for operation in self.history.operations:
            if operation.outcome is Outcome.UNKNOWN and operation.is_keyed:
                operation.unanswered = 0
                await self.perform(operation)
                if not is_transient(operation.status, None):
                    await self.repeat(operation)

    async def _try(self, asked: Wish | Operation, mark: str | None) -> tuple[int, Any]:
        """Status and answer; 0 where there was none."""
        headers = {"Authorization": f"Bearer {self.tokens[asked.login]}"}
        if mark is not None:
            headers |= {"Idempotency-Key": mark, "X-Correlation-Id": mark}
        try:
            async with self.http.request(asked.method, asked.path, json=asked.body, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, None


def is_transient(status: int, answer: Any) -> bool:
    """No answer, or one that says: ask again."""
    return status == 0 or status >= 500 or (isinstance(answer, dict) and answer.get("code") == "busy")


def learn(customer: Customer, operation: Operation, chance: random.Random) -> None:
    """What the next wishes can be about."""
    if operation.outcome is not Outcome.OK or not isinstance(answer := operation.answer, dict):
        return
    if "number" in answer:
        customer.orders[answer["number"]] = len(answer["items"])
        # What is cancelled is asked for once in a while, and forgotten.
        if answer["status"] == "cancelled" and chance.random() < 0.7:
            customer.orders.pop(answer["number"])
    elif operation.kind == "withdraw" and "state" in answer:
        customer.holds.append(answer["id"])
    elif operation.kind == "decide":
        customer.holds = [hold for hold in customer.holds if hold != answer["id"]]
    elif operation.kind == "ticket":
        customer.tickets = [*customer.tickets, answer["ticket"]["id"]][-TICKETS_KNOWN:]


# --- The beginning ----------------------------------------------------------------------------------------------------


async def sign_in(http: aiohttp.ClientSession, login: str, password: str) -> str:
    """A token."""
    async with http.post("/api/token", data={"username": login, "password": password}) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["access_token"])


async def first_customers(clients: Clients, count: int) -> None:
    """Register some who can sign in, before anything is broken."""

    async def one(index: int) -> Customer:
        login = f"customer-{index}"
        profile = {"login": login, "name": login, "email": f"{login}@example.org", "password": PASSWORD}
        operation = clients.history.invoke("register", "admin", "POST", "/api/admin/customers", profile)
        await clients.perform(operation)
        assert operation.outcome is Outcome.OK, operation
        clients.tokens[login] = await sign_in(clients.http, login, PASSWORD)
        return Customer(login, operation.answer["id"])

    clients.customers = list(await asyncio.gather(*(one(index) for index in range(count))))
