"""What support tells of its counts, beside a recount; and counting anew while others write."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.auth import Caller, Role
from shared.contracts.support import TicketCountsChanged
from tests.client import refusal
from tests.support.conftest import OPERATOR, Customer

ADMIN = Caller("root", Role.ADMIN)


async def position(customer: Customer) -> Any:
    before = UUID(int=customer.id.int - 1)
    [told] = await customer.get(f"/positions/counts?after={before}&limit=1", ADMIN)
    assert told.pop("customer_id") == str(customer.id)
    return told


async def spoil(customer: Customer, statement: str) -> None:
    async with customer.database.transaction() as session:
        await session.execute(text(statement), {"id": customer.id})


async def test_counts_kept_by_support_are_those_of_a_recount(customer: Customer) -> None:
    read = await customer.begin()
    await customer.begin()
    await customer.read(read, OPERATOR)
    await customer.say(read, "Yes?", OPERATOR)
    right = {"total": 2, "new": 1, "answered": 1}
    assert await position(customer) == {**right, **{f"counted_{name}": n for name, n in right.items()}}
    shop = await customer.get("/positions/shop", ADMIN)
    assert shop["new"] == shop["counted_new"]


async def test_a_count_that_is_off_is_seen_and_counted_anew(customer: Customer) -> None:
    await customer.begin()
    await spoil(customer, "UPDATE counts SET new = 0 WHERE customer_id = :id")
    await spoil(customer, "UPDATE shop_count SET new = new + 3")
    assert (await position(customer))["counted_new"] == 1
    assert (await position(customer))["new"] == 0
    answer = await customer.post(f"/customers/{customer.id}/recount", None, ADMIN)
    assert (await position(customer))["new"] == 1
    shop = await customer.get("/positions/shop", ADMIN)
    assert shop["new"] == shop["counted_new"]
    told = (await customer.told(TicketCountsChanged, customer.id))[-1]
    assert (told.version, told.new, told.total, told.shop_new) == (answer["version"], 1, 1, shop["new"])
    act = await customer.row("SELECT login, details FROM acts WHERE subject = :id", id=str(customer.id))
    assert (act.login, act.details) == ("root", {"total": 1, "new": 1, "answered": 0})


async def test_counting_anew_while_people_write_loses_nothing(customer: Customer) -> None:
    await spoil(customer, "INSERT INTO counts VALUES (:id, 7, 5, 2, 1)")
    begun = [customer.begin() for _ in range(20)]
    recounts = [customer.post(f"/customers/{customer.id}/recount", None, ADMIN) for _ in range(10)]
    await asyncio.gather(*begun, *recounts)
    assert await position(customer) == {
        "total": 20,
        "new": 20,
        "answered": 0,
        "counted_total": 20,
        "counted_new": 20,
        "counted_answered": 0,
    }


async def test_the_books_are_an_admins(customer: Customer) -> None:
    for caller in (OPERATOR, customer.caller):
        for method, path in (
            ("GET", "/positions/counts"),
            ("GET", "/positions/shop"),
            ("POST", f"/customers/{customer.id}/recount"),
        ):
            assert refusal(await customer.client.ask(method, path, caller=caller)) == (403, "forbidden")
