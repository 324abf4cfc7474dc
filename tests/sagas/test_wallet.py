"""Whatever is done with a balance, in whatever order, and however often it is repeated: billing holds what a model of
thirty lines holds."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.move_money import move_money
from shared import idempotency
from shared.contracts.http.billing import MoneyMoved, MoveMoney, PayForOrder, TransferKind
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderFacts, OrderStatus
from shared.db import Database
from shared.errors import IdempotencyKeyReused, Refusal
from tests.payments import pay
from tests.sagas.acts import hear
from tests.sagas.shop import STAFF, Shop
from tests.sagas.truth import money_row

AMOUNTS = st.integers(1, 1_000) | st.sampled_from([1, 10**12])
_numbers = count(9_000_000_000)


@dataclass
class Order:
    """What the model knows of an order."""

    number: str
    total: int
    paid: int = 0
    told: list[OrderFacts] = field(default_factory=list)


@dataclass
class Asked:
    """A request for money that was answered."""

    key: str
    request: bytes
    work: Callable[..., Awaitable[Any]]
    answer: BaseModel


class Wallet(RuleBasedStateMachine):
    """One customer's balance and orders, and the model of them."""

    def __init__(self, run: Callable[[Any], Any], billing: Database) -> None:
        super().__init__()
        self.run, self.billing, self.customer_id = run, billing, uuid4()
        self.balance = self.moved = 0
        self.orders: list[Order] = []
        self.asked: list[Asked] = []

    # --- What people do

    @rule(amount=AMOUNTS)
    def deposit(self, amount: int) -> None:
        self._move(TransferKind.DEPOSIT, amount)
        self.balance += amount
        self.moved += amount

    @rule(amount=AMOUNTS)
    def withdraw(self, amount: int) -> None:
        if self._move(TransferKind.WITHDRAWAL, amount) != ("insufficient_funds" if amount > self.balance else None):
            raise AssertionError("a withdrawal of more than there is, or none of what there is")
        if amount <= self.balance:
            self.balance -= amount
            self.moved -= amount

    @rule(total=st.integers(0, 2_000))
    def place(self, total: int) -> None:
        order = Order(f"ORD-{next(_numbers):010d}", total)
        self.orders.append(order)
        self._tell(order, total)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), total=st.integers(0, 2_000), cancelled=st.booleans())
    def amend(self, data: st.DataObject, total: int, cancelled: bool) -> None:
        order = data.draw(st.sampled_from(self.orders))
        if order.told[-1].status is OrderStatus.CANCELLED:
            return
        order.total = 0 if cancelled else total
        back = max(0, order.paid - order.total)
        order.paid -= back
        self.balance += back
        self._tell(order, order.total, cancelled)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), amount=st.none() | AMOUNTS, honest=st.booleans())
    def pay(self, data: st.DataObject, amount: int | None, honest: bool) -> None:
        order = data.draw(st.sampled_from(self.orders))
        remains = order.total - order.paid
        pays = amount or min(remains, self.balance)
        refusal = None
        if remains == 0:
            refusal = "nothing_to_pay"
        elif not honest or pays > remains:
            refusal = "amount_changed"
        elif pays == 0 or pays > self.balance:
            refusal = "insufficient_funds"
        seen = remains if honest else remains + 1
        wanted = PayForOrder(amount_minor=amount, expected_remaining_minor=seen)
        assert self._ask(wanted, partial(pay, caller=STAFF, number=order.number, wanted=wanted)) == refusal
        if refusal is None:
            self.balance -= pays
            order.paid += pays

    # --- What goes wrong

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self.asked))
        assert self.run(self._once(asked.key, asked.request, asked.work)) == asked.answer

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ask_something_else_with_an_old_key(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self.asked))
        with pytest.raises(IdempotencyKeyReused):
            self.run(self._once(asked.key, asked.request + b" ", asked.work))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def hear_again(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.orders))
        self.run(self._hear(data.draw(st.sampled_from(order.told))))

    @invariant()
    def billing_holds_what_the_model_holds(self) -> None:
        for order in self.orders:
            money = self.run(self._figures(order))
            assert (money.total_minor, money.paid_minor, money.kept_minor) == (order.total, order.paid, order.paid)
            assert money.balance_minor == money.transferred_minor == self.balance
        assert self.balance + sum(order.paid for order in self.orders) == self.moved

    # --- How

    def _move(self, kind: TransferKind, amount: int) -> str | None:
        wanted = MoveMoney(amount_minor=amount, currency="USD")
        work = partial(
            move_money, caller=STAFF, customer_id=self.customer_id, kind=kind, wanted=wanted, shop_currency="USD"
        )

        async def move(session: AsyncSession, key: str, request: bytes) -> MoneyMoved:
            return await idempotency.once(session, "wallet", key, request, MoneyMoved, partial(work, session))

        return self._ask(wanted, move)

    def _ask(self, wanted: BaseModel, work: Callable[..., Awaitable[Any]]) -> str | None:
        """Under a new key; gives the refusal."""
        key, request = str(uuid4()), wanted.model_dump_json().encode()
        try:
            answer = self.run(self._once(key, request, work))
        except Refusal as refusal:
            return refusal.code
        self.asked.append(Asked(key, request, work, answer))
        return None

    async def _once(self, key: str, request: bytes, work: Callable[..., Awaitable[Any]]) -> Any:
        async with self.billing.transaction() as session:
            return await work(session, key=key, request=request)

    def _tell(self, order: Order, total: int, cancelled: bool = False) -> None:
        facts = OrderAmended if not cancelled else OrderCancelled
        event = facts(
            order_number=order.number,
            customer_id=self.customer_id,
            status=OrderStatus.CANCELLED if cancelled else OrderStatus.AWAITING_PAYMENT,
            currency="USD",
            total_minor=total,
            paid_minor=0,
            remaining_minor=total,
            version=len(order.told) + 1,
            at=datetime.now(UTC),
            line=1,
        )
        order.told.append(event)
        self.run(self._hear(event))

    async def _hear(self, event: OrderFacts) -> None:
        async with self.billing.transaction() as session:
            await hear(session, event)

    async def _figures(self, order: Order) -> Any:
        async with self.billing.transaction() as session:
            return await money_row(session, order.number)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_billing_is_a_model_of_thirty_lines_whatever_is_done(shop: Shop, runner: asyncio.Runner) -> None:
    billing = Database(shop.billing.engine.url.render_as_string(hide_password=False), pool_size=2)
    steady = settings(
        max_examples=50,
        stateful_step_count=30,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Wallet(runner.run, billing), settings=steady)  # type: ignore[arg-type]
    runner.run(billing.close())
