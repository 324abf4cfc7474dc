"""Customers write to support through the gateway, while staff listen: each answer of the POST is waited for."""

import json
from itertools import count
from typing import Any
from uuid import uuid4

from benchmarks import browsers, shop
from benchmarks.browsers import Connection
from benchmarks.report import Table, across
from benchmarks.rounds import Client, Round, drive
from benchmarks.system import Purser

CLIENTS = (8, 32)
MESSAGES = 800
ROUNDS = 4
TEXT = "Good morning. My parcel has not come yet, and I shall be away from Friday on. Can you say when it will be here?"


async def run(purser: Purser) -> list[Table]:
    await shop.open_shop(purser, max(CLIENTS), max(CLIENTS))
    staff = await browsers.listen(purser.port, shop.STAFF_TOKEN, "/api/admin")
    writers = [await writer(purser, customer) for customer in range(1, max(CLIENTS) + 1)]
    await drive(purser, MESSAGES, writers)
    rounds: dict[int, list[Round]] = {clients: [] for clients in CLIENTS}
    for _ in range(ROUNDS):
        for clients, several in rounds.items():
            several.append(await drive(purser, MESSAGES, writers[:clients]))
    staff.close()
    return [_table(clients, several) for clients, several in rounds.items()]


def _table(clients: int, rounds: list[Round]) -> Table:
    parts = sorted(rounds[0].cpu_ms, key=lambda part: -rounds[0].cpu_ms[part])
    return Table(
        f"{clients} clients, {ROUNDS} rounds of {MESSAGES} messages",
        {
            "messages a second": across([each.per_second for each in rounds], 0),
            "p50 ms": across([each.took(0.5) for each in rounds], 1),
            "p99 ms": across([each.took(0.99) for each in rounds], 1),
            "CPU ms a message": across([each.cpu_ms_of_all for each in rounds]),
            **{f"of which {part}": across([each.cpu_ms[part] for each in rounds]) for part in parts},
        },
    )


async def writer(purser: Purser, customer: int) -> Client:
    """A customer in a conversation of their own."""
    connection = await browsers.connect(purser.port)
    begun = await _post(connection, customer, "/api/portal/tickets", {"subject": "Where is it?", "text": TEXT})
    path, numbers = f"/api/portal/tickets/{begun['ticket']['id']}/messages", count(2)

    async def write() -> None:
        said = await _post(connection, customer, path, {"text": TEXT})
        assert said["seq"] == next(numbers)

    return write


async def _post(connection: Connection, customer: int, path: str, body: dict[str, str]) -> dict[str, Any]:
    headers = {**browsers.signed_in(shop.token(customer)), "Idempotency-Key": str(uuid4())}
    status, answer = await connection.ask("POST", path, headers, json.dumps(body).encode())
    assert status == 201, answer
    found: dict[str, Any] = json.loads(answer)
    return found
