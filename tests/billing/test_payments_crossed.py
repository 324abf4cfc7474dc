"""Somebody comes between the look at an order and its balance, and the payment that was decided by it: what is not so
any more is not written, and decided anew."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import ledger, queries
from services.billing.commands.pay_for_order import Payment
from services.billing.queries import Payable
from services.billing.routes.asking import pay_alone, pay_together
from shared.contracts.http.billing import PayForOrder, PaymentView
from shared.contracts.orders import OrderFacts
from shared.db import Database
from shared.errors import Refusal
from shared.idempotency import Claim
from tests.billing.conftest import FINANCIER, Customer

Act = Callable[[Customer, OrderFacts], Awaitable[object]]
Crossed = Callable[..., Awaitable[list[PaymentView | Refusal | None]]]


def payment(number: str, key: str = "", **wanted: int) -> Payment:
    return Payment(FINANCIER, number, PayForOrder(**wanted), Claim.of("test", key or str(uuid4()), b""))


async def deposit(customer: Customer, _: OrderFacts) -> None:
    await customer.deposit(5)


async def withdraw(customer: Customer, _: OrderFacts) -> None:
    await customer.withdraw(800)


async def hold(customer: Customer, _: OrderFacts) -> None:
    async with customer.database.transaction() as session:
        await ledger.hold(session, customer.id, "USD", 800)


async def amend(customer: Customer, placed: OrderFacts) -> None:
    await customer.hear(customer.order(400, 2, placed.order_number))


async def cancel(customer: Customer, placed: OrderFacts) -> None:
    await customer.hear(customer.order(0, 2, placed.order_number, cancelled=True))


async def pay_some(customer: Customer, placed: OrderFacts) -> None:
    await customer.pay(placed.order_number, amount_minor=100)


@pytest.fixture
def crossed(billing: Database, monkeypatch: pytest.MonkeyPatch) -> Crossed:
    """Pays, with an act of somebody else between the look and the writing."""
    look = queries.find_payable

    async def pay(act: Callable[[], Awaitable[object]], *payments: Payment) -> list[PaymentView | Refusal | None]:
        async def look_too_early(session: AsyncSession, asked: Sequence[tuple[str, Claim]]) -> list[Payable]:
            found = await look(session, asked)
            monkeypatch.undo()
            await act()
            return found

        monkeypatch.setattr(queries, "find_payable", look_too_early)
        return await pay_together(billing, payments)

    return pay


@pytest.mark.parametrize(
    ("act", "answer", "paid_minor"),
    [
        (deposit, 300, 300),
        (withdraw, 200, 200),
        (hold, 200, 200),
        (amend, "amount_changed", 0),
        (cancel, "nothing_to_pay", 0),
        (pay_some, "amount_changed", 100),
    ],
)
async def test_a_payment_is_decided_anew_when_what_it_stands_on_has_changed(
    billing: Database, customer: Customer, crossed: Crossed, act: Act, answer: int | str, paid_minor: int
) -> None:
    """And another customer's, in the same statement, is made."""
    other = Customer(billing)
    for each in (customer, other):
        await each.deposit(1_000)
    placed = customer.order(300)
    number, others = await customer.hear(placed), await other.hear(other.order(300))
    wanted = payment(number, expected_remaining_minor=300)

    missed, made = await crossed(lambda: act(customer, placed), wanted, payment(others))
    assert missed is None
    assert isinstance(made, PaymentView)
    assert [kind for kind, *_ in await made_for(customer, number)] == ["payment"] * (act is pay_some)

    anew = await pay_alone(billing, wanted)
    assert (anew.paid_minor if isinstance(anew, PaymentView) else anew.code) == answer
    assert (await customer.figures(number))["paid_minor"] == paid_minor
    assert (await other.figures(others))["paid_minor"] == 300
    await is_whole(customer)


async def test_of_a_customers_payments_all_are_made_or_none(
    billing: Database, customer: Customer, crossed: Crossed
) -> None:
    await customer.deposit(1_000)
    placed = customer.order(300)
    numbers = [await customer.hear(placed), await customer.hear(customer.order(100))]
    wanted = [payment(numbers[0]), payment(numbers[0]), payment(numbers[1])]
    assert await crossed(lambda: amend(customer, placed), *wanted) == [None, None, None]
    assert [await made_for(customer, number) for number in numbers] == [[], []]
    assert [isinstance(await pay_alone(billing, each), PaymentView) for each in wanted] == [True, False, True]
    await is_whole(customer)


async def test_one_key_that_is_used_twice_at_once_is_answered_twice_and_pays_once(
    billing: Database, customer: Customer, crossed: Crossed
) -> None:
    """As by two copies of the process."""
    await customer.deposit(1_000)
    number, key = await customer.hear(customer.order(300)), str(uuid4())
    first: list[PaymentView | Refusal | None] = []

    async def somewhere_else() -> None:
        first.extend(await pay_together(billing, [payment(number, key, amount_minor=100)]))

    assert await crossed(somewhere_else, payment(number, key, amount_minor=100)) == [None]
    assert [await pay_alone(billing, payment(number, key, amount_minor=100))] == first
    assert await made_for(customer, number) == [("payment", 100, 1, None)]


async def made_for(customer: Customer, number: str) -> list[tuple[object, ...]]:
    made = (await customer.figures(number))["transfers"]
    assert isinstance(made, list)
    return made


async def is_whole(customer: Customer) -> None:
    """The account's versions are its transfers and holds, and each transfer tells the balance after it."""
    async with customer.database.transaction() as session:
        account = await session.execute(
            text("SELECT version, balance_minor FROM accounts WHERE id = :id"), {"id": customer.id}
        )
        transfers = await session.execute(
            text(
                "SELECT account_version, balance_after_minor, sum(CASE WHEN credit_account = customer_id THEN"
                " amount_minor ELSE -amount_minor END) OVER (ORDER BY account_version) FROM transfers"
                " WHERE customer_id = :id ORDER BY account_version DESC"
            ),
            {"id": customer.id},
        )
        told = await session.execute(
            text("SELECT version FROM outbox WHERE aggregate = 'account' AND subject = :id ORDER BY position"),
            {"id": str(customer.id)},
        )
        (version, balance_minor), moved, versions = account.one(), transfers.all(), list(told.scalars())
    assert versions == list(range(1, version + 1))
    assert all(after == added for _, after, added in moved)
    assert moved[0].balance_after_minor == balance_minor
