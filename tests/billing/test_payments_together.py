"""Payments that are made in one transaction: each gets its own answer, and nobody suffers from another's fault."""

import asyncio
from uuid import uuid4

from sqlalchemy import text
from structlog.contextvars import bound_contextvars

from services.billing.commands.pay_for_order import Payment
from services.billing.routes.asking import pay_together
from shared import outbox
from shared.auth import Caller
from shared.contracts.http.billing import PayForOrder, PaymentView
from shared.db import Database
from shared.errors import Refusal
from shared.idempotency import Claim
from tests.billing.conftest import FINANCIER, OPERATOR, Customer


def payment(
    number: str, caller: Caller = FINANCIER, key: str = "", request: bytes = b"", amount_minor: int | None = None
) -> Payment:
    with bound_contextvars(correlation_id=f"asks for {number}"):
        wanted = PayForOrder(amount_minor=amount_minor)
        return Payment(caller, number, wanted, Claim.of("test", key or str(uuid4()), request))


async def pay(database: Database, *payments: Payment) -> list[PaymentView | str | None]:
    """Views, the codes of refusals, and None for what is to be tried alone."""
    answers = await pay_together(database, payments)
    return [answer.code if isinstance(answer, Refusal) else answer for answer in answers]


async def test_each_gets_the_answer_that_it_would_get_alone(billing: Database, customer: Customer) -> None:
    stranger, key = Customer(billing), str(uuid4())
    await customer.deposit(1_000)
    first, second, third = [await customer.hear(customer.order(400)) for _ in range(3)]
    answers = await pay(
        billing,
        payment(first, key=key),
        payment(first, key=key),
        payment(first, key=key, request=b"another"),
        payment(first),
        payment(second, OPERATOR),
        payment(second, stranger.caller),
        payment("ORD-9999999999"),
        payment(second, amount_minor=100),
        payment(second, amount_minor=300),
        payment(third, amount_minor=201),
        payment(third),
        payment(third),
    )
    codes = [answer.paid_minor if isinstance(answer, PaymentView) else answer for answer in answers]
    assert codes == [
        400, 400, "idempotency_key_reused", "nothing_to_pay", "forbidden", "unknown_invoice", "unknown_invoice",
        100, 400, "insufficient_funds", 200, "insufficient_funds",
    ]  # fmt: skip
    assert answers[0] == answers[1]
    assert [(await customer.figures(number))["paid_minor"] for number in (first, second, third)] == [400, 400, 200]
    assert (await customer.figures(third))["balance_minor"] == 0


async def test_what_is_refused_frees_its_key_and_what_was_paid_keeps_it(billing: Database, customer: Customer) -> None:
    number, key, other = await customer.hear(customer.order(400)), str(uuid4()), str(uuid4())
    assert await pay(billing, payment(number, key=key)) == ["insufficient_funds"]
    await customer.deposit(1_000)
    [first] = await pay(billing, payment(number, key=key, amount_minor=100))
    again, second = await pay(
        billing, payment(number, key=key, amount_minor=100), payment(number, key=other, amount_minor=50)
    )
    assert again == first
    assert await pay(billing, payment(number, key=other, amount_minor=50)) == [second]
    assert (await customer.figures(number))["paid_minor"] == 150


async def test_a_payment_wakes_the_relay_by_the_statement_that_makes_it(billing: Database, customer: Customer) -> None:
    await customer.deposit(1_000)
    number, rung = await customer.hear(customer.order(400)), asyncio.Event()
    async with billing.engine.connect() as connection:
        listening = (await connection.get_raw_connection()).driver_connection
        assert listening is not None

        def ring(*_: object) -> None:
            rung.set()

        await listening.add_listener(outbox.CHANNEL, ring)
        await pay(billing, payment("ORD-9999999999"))
        await listening.execute("SELECT 1")
        assert not rung.is_set()
        await pay(billing, payment(number))
        await asyncio.wait_for(rung.wait(), 5)
        await listening.remove_listener(outbox.CHANNEL, ring)


async def test_each_is_told_and_written_down_as_its_own(billing: Database, customer: Customer) -> None:
    await customer.deposit(1_000)
    numbers = [await customer.hear(customer.order(100)) for _ in range(5)]
    await pay(billing, *(payment(number) for number in numbers))
    async with billing.transaction() as session:
        told = await session.execute(
            text(
                "SELECT correlation_id FROM (SELECT * FROM outbox UNION ALL SELECT position, event_id, aggregate,"
                " subject, version, routing_key, at, body, correlation_id FROM outbox_archive) told"
                " WHERE subject = ANY(:numbers) ORDER BY subject"
            ),
            {"numbers": numbers},
        )
        acts = await session.execute(
            text(
                "SELECT correlation_id, details ->> 'balance_minor' FROM acts"
                " WHERE subject = :id AND act = 'payment' ORDER BY id"
            ),
            {"id": str(customer.id)},
        )
        moved = await session.execute(
            text(
                "SELECT order_number, account_version, balance_after_minor FROM transfers"
                " WHERE customer_id = :id AND kind = 'payment' ORDER BY account_version"
            ),
            {"id": customer.id},
        )
        assert list(told.scalars()) == [f"asks for {number}" for number in sorted(numbers)]
        assert [tuple(row) for row in acts] == [
            (f"asks for {number}", str(900 - 100 * place)) for place, number in enumerate(numbers)
        ]
        assert [tuple(row) for row in moved] == [
            (number, place + 2, 900 - 100 * place) for place, number in enumerate(numbers)
        ]
