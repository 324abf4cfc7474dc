"""How streams begin when many browsers come back at one time."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from gateway import beginnings as beginning
from gateway import clients
from gateway.beginnings import CUSTOMERS_AT_ONCE, Beginnings
from gateway.news import Snapshot
from shared.auth import Caller, Role
from tests.gateway.conftest import Gateway
from tests.gateway.fakes import balance_view, ticket_counts

STAFF = Caller("oper", Role.OPERATOR)


def all_stand(gateway: Gateway, customers: Sequence[UUID]) -> None:
    """The services know of all these: of each customer another balance, and one order."""
    balances = [{**balance_view(each), "balance_minor": n} for n, each in enumerate(customers)]
    orders = [
        {"customer_id": each, "orders": [{"number": f"ORD-{n:010d}", "status": "paid", "version": 1}]}
        for n, each in enumerate(customers)
    ]
    gateway.billing.answers["GET /balances"] = (200, balances)
    gateway.support.answers["GET /ticket-counts/of-customers"] = (200, [ticket_counts(each) for each in customers])
    gateway.orders.answers["GET /newest-orders"] = (200, orders)


async def begun(gateway: Gateway, customers: Sequence[UUID]) -> list[Snapshot]:
    """Their beginnings, asked for at one time."""
    asked = Beginnings(gateway.app.state.clients)
    return await asyncio.gather(*(asked.of(Caller(str(each), Role.CUSTOMER, each)) for each in customers))


async def test_each_service_is_asked_for_many_customers_at_once_and_each_is_told_their_own(gateway: Gateway) -> None:
    customers = [uuid4() for _ in range(CUSTOMERS_AT_ONCE + 10)]
    all_stand(gateway, customers)
    snapshots = await begun(gateway, customers)
    assert [len(fake.asked) for fake in gateway.fakes] == [2, 2, 2]
    for n, (me, snapshot) in enumerate(zip(customers, snapshots, strict=True)):
        told = snapshot.model_dump(mode="json")
        assert (told["balance"]["customer_id"], told["balance"]["balance_minor"]) == (str(me), n)
        assert told["ticket_counts"]["customer_id"] == str(me)
        assert told["orders"] == [{"number": f"ORD-{n:010d}", "status": "paid", "version": 1}]
        assert told["unavailable"] == []


async def test_the_services_are_asked_by_one_who_may_see_and_not_move_money(gateway: Gateway) -> None:
    await begun(gateway, [uuid4()])
    [caller] = {asked.caller for fake in gateway.fakes for asked in fake.asked}
    assert (caller.is_staff, caller.moves_money) == (True, False)


async def test_what_a_service_says_of_others_only_is_missing(gateway: Gateway) -> None:
    ann, bob = uuid4(), uuid4()
    all_stand(gateway, [bob])
    [anns, bobs] = await begun(gateway, [ann, bob])
    assert (anns.balance, anns.ticket_counts, anns.orders) == (None, None, None)
    assert anns.unavailable == ["billing", "support", "orders"]
    assert bobs.unavailable == []


async def test_all_staff_who_come_at_one_time_are_told_by_one_question(gateway: Gateway) -> None:
    gateway.support.answers["GET /ticket-counts"] = (200, {"new": 7, "version": 9})
    asked = Beginnings(gateway.app.state.clients)
    snapshots = await asyncio.gather(*(asked.of(STAFF) for _ in range(20)))
    assert [each.shop_counts and each.shop_counts.new for each in snapshots] == [7] * 20
    assert len(gateway.support.asked) == 1


async def test_who_waits_while_another_question_is_given_up_is_not_given_up_with_it(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "CUSTOMERS_AT_ONCE", 1)
    monkeypatch.setattr(clients, "PART_SECONDS", 1.0)
    customers = [uuid4(), uuid4()]
    all_stand(gateway, customers)
    gateway.billing.may_answer.clear()
    asked = Beginnings(gateway.app.state.clients)
    first, second = [asyncio.create_task(asked.of(Caller(str(each), Role.CUSTOMER, each))) for each in customers]
    assert (await first).unavailable == ["billing"]
    gateway.billing.may_answer.set()
    assert (await second).unavailable == []
