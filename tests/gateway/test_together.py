"""What many ask at the same time is asked of the service in one request, and nobody suffers from another."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import httpx2 as httpx
import pytest

from shared.auth import Role
from tests.eventually import eventually
from tests.gateway.conftest import Gateway, Person, code
from tests.gateway.fakes import problem

NUMBERS = [f"ORD-{number:010d}" for number in range(1, 8)]
PAID = {"transfer_id": str(uuid4()), "paid_minor": 5, "remaining_minor": 0, "order_status": "paid"}
ALL_AT_ONCE = [1, len(NUMBERS) - 1]

Asking = asyncio.Task[httpx.Response]
AskAtOnce = Callable[[], "asyncio.Future[list[httpx.Response]]"]


def path(number: str) -> str:
    return f"/orders/{number}/payments"


@pytest.fixture
async def people(gateway: Gateway) -> list[Person]:
    """Of whom each may pay for one of the orders."""
    for number in NUMBERS:
        gateway.billing.answers[f"POST {path(number)}"] = (201, {**PAID, "paid_minor": int(number[-1])})
    return [await gateway.person(Role.ADMIN) for _ in NUMBERS]


@pytest.fixture
def ask_at_once(gateway: Gateway, people: list[Person], monkeypatch: pytest.MonkeyPatch) -> AskAtOnce:
    """All pay; the service answers the first when all others have asked."""

    async def all_others_wait() -> bool:
        return len(gateway.app.state.together.payments._questions._waiting) == len(NUMBERS) - 1

    async def ask() -> list[httpx.Response]:
        # However slow the machine.
        monkeypatch.setattr(gateway.app.state.together.payments._questions, "patience_seconds", 20)
        gateway.billing.may_answer.clear()
        asking: list[Asking] = []
        for person, number in zip(people, NUMBERS, strict=True):
            asked = person.ask("POST", f"/api/admin{path(number)}", {}, key=number, **{"X-Correlation-Id": number})
            asking.append(asyncio.create_task(asked))
            await gateway.billing.was_asked.wait()
        await eventually(all_others_wait, "all others have asked")
        gateway.billing.may_answer.set()
        return await asyncio.gather(*asking)

    return lambda: asyncio.ensure_future(ask())


async def test_what_is_asked_while_one_is_answered_is_asked_in_one_request(
    gateway: Gateway, people: list[Person], ask_at_once: AskAtOnce
) -> None:
    answers = await ask_at_once()
    assert [answer.status_code for answer in answers] == [201] * len(NUMBERS)
    assert [answer.json()["paid_minor"] for answer in answers] == [int(number[-1]) for number in NUMBERS]
    assert gateway.billing.sizes == ALL_AT_ONCE
    said = [
        (one.path, one.caller.login, one.headers["idempotency-key"], one.headers["x-correlation-id"])
        for one in gateway.billing.asked
    ]
    assert sorted(said) == [
        (path(number), person.login, number, number) for person, number in zip(people, NUMBERS, strict=True)
    ]
    assert [answer.headers["x-correlation-id"] for answer in answers] == NUMBERS


async def test_each_gets_its_own_refusal(gateway: Gateway, ask_at_once: AskAtOnce) -> None:
    gateway.billing.answers[f"POST {path(NUMBERS[3])}"] = (409, problem(409, "amount_changed"))
    answers = await ask_at_once()
    assert [answer.status_code for answer in answers] == [201, 201, 201, 409, 201, 201, 201]
    assert code(answers[3]) == (409, "amount_changed")


async def test_what_cannot_be_answered_among_many_is_asked_alone(gateway: Gateway, ask_at_once: AskAtOnce) -> None:
    gateway.billing.only_alone.add(path(NUMBERS[4]))
    answers = await ask_at_once()
    assert [answer.status_code for answer in answers] == [201] * len(NUMBERS)
    assert gateway.billing.sizes == ALL_AT_ONCE
    [alone] = [one for one in gateway.billing.asked if one.path == path(NUMBERS[4])]
    assert (alone.headers["idempotency-key"], alone.headers["x-correlation-id"]) == (NUMBERS[4], NUMBERS[4])


async def test_what_is_asked_alone_keeps_no_other_waiting(gateway: Gateway, people: list[Person]) -> None:
    slow, *others = people
    gateway.billing.only_alone.add(path(NUMBERS[0]))
    gateway.billing.may_answer_alone.clear()
    waiting = asyncio.create_task(slow.ask("POST", f"/api/admin{path(NUMBERS[0])}", {}))
    for person, number in zip(others, NUMBERS[1:], strict=True):
        assert (await person.ask("POST", f"/api/admin{path(number)}", {})).status_code == 201
    assert not waiting.done()
    gateway.billing.may_answer_alone.set()
    assert (await waiting).status_code == 201


async def test_where_many_cannot_be_done_each_is_asked_alone(gateway: Gateway, ask_at_once: AskAtOnce) -> None:
    gateway.billing.answers["POST /payments"] = (500, problem(500, "internal_error"))
    gateway.billing.answers[f"POST {path(NUMBERS[2])}"] = (500, problem(500, "internal_error"))
    answers = await ask_at_once()
    assert [answer.status_code for answer in answers] == [201, 201, 500, 201, 201, 201, 201]


async def test_where_the_service_can_do_nothing_nobody_is_asked_for_twice(
    gateway: Gateway, ask_at_once: AskAtOnce
) -> None:
    gateway.billing.answers["POST /payments"] = (503, problem(503, "unavailable"))
    answers = await ask_at_once()
    assert {code(answer) for answer in answers} == {(503, "unavailable")}
    assert [answer.json()["correlation_id"] for answer in answers] == NUMBERS
    assert gateway.billing.sizes == ALL_AT_ONCE
    assert not gateway.billing.asked


async def test_what_does_not_fit_in_one_request_is_asked_alone(gateway: Gateway) -> None:
    customer, ticket = await gateway.person(Role.CUSTOMER), uuid4()
    said = f"/tickets/{ticket}/messages"
    gateway.support.answers[f"POST {said}"] = (201, {})
    words = {"text": "ä" * 10_000}
    answers = await asyncio.gather(*(customer.ask("POST", f"/api/portal{said}", words) for _ in range(12)))
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len(gateway.support.asked) == 12
    assert max(gateway.support.sizes) <= 3


async def test_who_does_not_wait_for_the_answer_spoils_it_for_nobody(gateway: Gateway, people: list[Person]) -> None:
    gateway.billing.may_answer.clear()
    hasty, patient = people[:2]
    with pytest.raises(httpx.TimeoutException):
        await hasty.http.post(
            f"/api/admin{path(NUMBERS[0])}",
            json={},
            headers={"Authorization": f"Bearer {hasty.token}", "Idempotency-Key": "k"},
            timeout=0.3,
        )
    waiting = asyncio.create_task(patient.ask("POST", f"/api/admin{path(NUMBERS[1])}", {}))
    gateway.billing.may_answer.set()
    assert (await waiting).status_code == 201


async def test_where_the_service_does_not_answer_nobody_waits_for_others(
    gateway: Gateway, people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.app.state.together.payments._questions, "patience_seconds", 0.01)
    gateway.billing.may_answer.clear()
    asking: list[Asking] = []
    for person, number in zip(people, NUMBERS, strict=True):
        asking.append(asyncio.create_task(person.ask("POST", f"/api/admin{path(number)}", {})))

        async def is_asked(many: int = len(asking)) -> bool:
            return sum(gateway.billing.sizes) == many

        await eventually(is_asked, "the service was asked, though it has not answered the others")
    gateway.billing.may_answer.set()
    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {201}
