"""Payments that the gateway asks for in one request: each is what it would be alone, and keeps no other waiting."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.auth import Caller
from shared.contracts.http.billing import PaymentView
from shared.contracts.http.together import MOST, PAYMENTS
from shared.db import Database
from tests.billing.conftest import FINANCIER, OPERATOR, Customer
from tests.client import Client, one_of_many, refusal


def wish(number: str, caller: Caller = FINANCIER, key: str = "", **wanted: int) -> dict[str, Any]:
    return one_of_many(number, wanted, caller, key)


async def test_each_is_answered_as_it_would_be_alone(client: Client, customer: Customer) -> None:
    stranger, key = Customer(customer.database), str(uuid4())
    await customer.deposit(1_000)
    first, second = [await customer.hear(customer.order(400)) for _ in range(2)]
    wishes = [
        wish(first, key=key, amount_minor=100),
        wish(first, key=key, amount_minor=200),
        wish(second, OPERATOR),
        wish(second, stranger.caller),
        wish("ORD-9999999999"),
        wish(second, expected_remaining_minor=399),
    ]
    many = (await client.ask_many(PAYMENTS, *wishes)).json()
    assert [each["status"] for each in many] == [201, 422, 403, 404, 404, 409]
    paid = PaymentView.model_validate_json(many[0]["body"])
    assert (paid.paid_minor, paid.remaining_minor) == (100, 300)
    for each, wanted in zip(many, wishes, strict=True):
        alone = await client.ask_alone(PAYMENTS, wanted)
        assert (alone.status_code, alone.text) == (each["status"], each["body"])
        assert alone.headers.get("Retry-After") == each["retry_after"]
    assert (await customer.figures(first))["paid_minor"] == 100


async def test_what_was_paid_alone_is_answered_again_among_many(client: Client, customer: Customer) -> None:
    await customer.deposit(1_000)
    wanted = wish(await customer.hear(customer.order(400)), amount_minor=100)
    alone = await client.ask_alone(PAYMENTS, wanted)
    [again] = (await client.ask_many(PAYMENTS, wanted)).json()
    assert (again["status"], again["body"]) == (alone.status_code, alone.text)


async def test_what_staff_are_refused_is_written_down_as_theirs(
    client: Client, billing: Database, customer: Customer
) -> None:
    number = await customer.hear(customer.order(400))
    await client.ask_many(PAYMENTS, wish(number, OPERATOR, amount_minor=5), wish(number), wish(number, customer.caller))
    async with billing.transaction() as session:
        noted = await session.execute(
            text(
                "SELECT login, details ->> 'tried', details ->> 'code', details ->> 'order_number',"
                " details ->> 'amount_minor', correlation_id FROM acts WHERE subject = :id ORDER BY id"
            ),
            {"id": str(customer.id)},
        )
    assert [tuple(row) for row in noted] == [
        (OPERATOR.login, "pay", "forbidden", number, "5", f"asks for {number}"),
        (FINANCIER.login, "pay", "insufficient_funds", number, None, f"asks for {number}"),
    ]


@pytest.mark.parametrize("held", ["invoices", "accounts"])
async def test_one_that_somebody_holds_is_left_to_be_asked_alone(
    client: Client, billing: Database, customer: Customer, held: str
) -> None:
    """As a process that was frozen in the middle of its transaction does."""
    others = Customer(billing)
    for each in (customer, others):
        await each.deposit(1_000)
    number, free = await customer.hear(customer.order(100)), [await others.hear(others.order(10)) for _ in range(20)]
    hold = {
        "invoices": "SELECT FROM invoices WHERE order_number = :number FOR UPDATE",
        "accounts": "SELECT FROM accounts WHERE id = :id FOR UPDATE",
    }[held]
    wishes = [wish(each) for each in (number, *free)]
    async with billing.transaction() as session:
        await session.execute(text(hold), {"number": number, "id": customer.id})
        first, *others_paid = (await client.ask_many(PAYMENTS, *wishes)).json()
        assert (first, {each["status"] for each in others_paid}) == (None, {201})
        waiting = asyncio.create_task(client.ask_alone(PAYMENTS, wishes[0]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.2)
    assert (await waiting).status_code == 201


@pytest.fixture
async def thirteen_is_refused(owner: Database) -> AsyncIterator[None]:
    """By the database, at the very end."""
    async with owner.transaction() as session:
        for statement in (
            "CREATE FUNCTION refuse_13() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
            "CREATE CONSTRAINT TRIGGER refuse_13 AFTER INSERT ON transfers DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW WHEN (NEW.amount_minor = 13) EXECUTE FUNCTION refuse_13()",
        ):
            await session.execute(text(statement))
    yield
    async with owner.transaction() as session:
        await session.execute(text("DROP FUNCTION refuse_13 CASCADE"))


async def test_where_the_database_refuses_one_none_is_paid_and_each_can_be_asked_alone(
    client: Client, customer: Customer, thirteen_is_refused: None
) -> None:
    await customer.deposit(1_000)
    numbers = [await customer.hear(customer.order(amount)) for amount in (20, 13, 30)]
    wishes = [wish(number) for number in numbers]
    assert (await client.ask_many(PAYMENTS, *wishes)).status_code == 500
    assert [(await customer.figures(number))["paid_minor"] for number in numbers] == [0, 0, 0]
    alone = [await client.ask_alone(PAYMENTS, wanted) for wanted in wishes]
    assert [answer.status_code for answer in alone] == [201, 500, 201]
    assert (await customer.figures(numbers[0]))["balance_minor"] == 950


@pytest.mark.parametrize(
    "spoilt",
    [
        {"role": "gateway"},
        {"role": "root"},
        {"customer_id": str(UUID(int=0))},
        {"role": "customer"},
        {"idempotency_key": ""},
        {"idempotency_key": "ä"},
        {"wanted": {"amount_minor": 0}},
        {"wanted": {"amount_minor": 1, "role": "admin"}},
        {"thing": "23"},
        {"login": None},
    ],
    ids=str,
)
async def test_where_one_cannot_be_none_is_paid(client: Client, customer: Customer, spoilt: dict[str, object]) -> None:
    await customer.deposit(1_000)
    number = await customer.hear(customer.order(400))
    answer = await client.ask_many(PAYMENTS, wish(number), {**wish(number), **spoilt})
    assert refusal(answer) == (422, "invalid_request")
    assert (await customer.figures(number))["paid_minor"] == 0


async def test_there_is_an_end_to_how_many(client: Client) -> None:
    answer = await client.ask_many(PAYMENTS, *[wish("ORD-9999999999")] * (MOST + 1))
    assert refusal(answer) == (422, "invalid_request")
