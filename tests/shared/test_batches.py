"""What is asked for at the same time is done in one go, and nobody suffers from another's fault."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast
from uuid import uuid4

import pytest

from shared.batches import Batches
from shared.contracts.base import Event
from shared.db import Database
from shared.delivery import Delivery
from shared.inbox import Heard
from tests.shared.conftest import balance_changed
from tests.shared.deliveries import Message, delivery_to, to_many


@pytest.mark.parametrize("patience_seconds", [None, 20])
async def test_what_is_asked_for_while_it_is_busy_is_done_in_one_go(patience_seconds: float | None) -> None:
    done: list[list[int]] = []

    async def double(numbers: Sequence[int]) -> list[int]:
        done.append(list(numbers))
        await asyncio.sleep(0)
        return [2 * number for number in numbers]

    batches = Batches(double, most=4, patience_seconds=patience_seconds)
    first = asyncio.create_task(batches.ask(0))
    while not done:
        await asyncio.sleep(0)
    assert await asyncio.gather(*(batches.ask(number) for number in range(1, 7))) == [2, 4, 6, 8, 10, 12]
    assert (await first, done) == (0, [[0], [1, 2, 3, 4], [5, 6]])


async def test_two_batches_are_done_at_a_time_while_as_many_wait_as_it_does_at_once() -> None:
    begun, may_end = list[list[int]](), asyncio.Event()

    async def work(numbers: Sequence[int]) -> Sequence[int]:
        begun.append(list(numbers))
        await may_end.wait()
        return numbers

    async def all_that_can_have_begun() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    batches = Batches(work, most=3, at_a_time=2)
    asked = [asyncio.create_task(batches.ask(number)) for number in range(3)]
    await all_that_can_have_begun()
    asked += [asyncio.create_task(batches.ask(number)) for number in range(3, 5)]
    await all_that_can_have_begun()
    assert begun == [[0, 1, 2]]
    asked += [asyncio.create_task(batches.ask(number)) for number in range(5, 10)]
    await all_that_can_have_begun()
    assert begun == [[0, 1, 2], [3, 4, 5]]
    may_end.set()
    assert await asyncio.gather(*asked) == list(range(10))
    assert begun == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


async def test_one_that_fails_fails_alone() -> None:
    async def halve(numbers: Sequence[int]) -> list[float]:
        return [1 / number for number in numbers]

    batches = Batches(halve, most=10)
    answers = await asyncio.gather(*(batches.ask(number) for number in (1, 0, 2)), return_exceptions=True)
    assert (answers[0], answers[2]) == (1, 0.5)
    assert isinstance(answers[1], ZeroDivisionError)


async def test_one_that_cannot_be_done_among_others_is_done_alone_while_they_go_on() -> None:
    alone = asyncio.Event()

    async def work(numbers: Sequence[int]) -> list[int | None]:
        if list(numbers) == [0]:
            await alone.wait()
        return [None if number == 0 and len(numbers) > 1 else number for number in numbers]

    batches = Batches(work, most=10)
    slow, *others = [asyncio.create_task(batches.ask(number)) for number in range(3)]
    assert await asyncio.gather(*others) == [1, 2]
    assert await batches.ask(3) == 3
    assert not slow.done()
    alone.set()
    assert await slow == 0


async def test_who_takes_longer_than_others_have_patience_is_not_waited_for() -> None:
    answered = asyncio.Event()

    async def work(numbers: Sequence[int]) -> list[int]:
        if 0 in numbers:
            await answered.wait()
        return list(numbers)

    batches = Batches(work, most=10, patience_seconds=0.01)
    slow = asyncio.create_task(batches.ask(0))
    await asyncio.sleep(0)
    assert await asyncio.gather(*(batches.ask(number) for number in (1, 2))) == [1, 2]
    assert not slow.done()
    answered.set()
    assert await slow == 0


async def test_what_is_tried_alone_may_take_another_way() -> None:
    async def work(numbers: Sequence[int]) -> list[int | None]:
        return [None if number == 0 else number for number in numbers]

    async def alone(number: int) -> int:
        if number == 0:
            raise ZeroDivisionError
        return -number

    async def refuse(_: Sequence[int]) -> list[int | None]:
        raise RuntimeError

    asked = [Batches(how, most=10, alone=alone) for how in (work, refuse)]
    answers = await asyncio.gather(
        *(batches.ask(number) for batches in asked for number in (0, 1)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [ZeroDivisionError, int, ZeroDivisionError, int]
    assert answers[1::2] == [1, -1]


async def test_without_a_database_nobody_is_tried_alone() -> None:
    tries = 0

    async def refuse(numbers: Sequence[int]) -> list[int]:
        nonlocal tries
        tries += 1
        raise ConnectionRefusedError

    batches = Batches(refuse, most=10)
    answers = await asyncio.gather(*(batches.ask(number) for number in range(10)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {ConnectionRefusedError}
    assert tries == 1


async def test_a_poisonous_event_among_others_costs_them_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.01, 0.01))
    effects, buried = Counter[int](), list[str]()

    async def react(heard: Sequence[Heard[Event]]) -> None:
        for each in heard:
            if each.event.version == 3:
                raise RuntimeError("poison")
        effects.update(each.event.version for each in heard)

    async def give_up(_: Delivery, message: Message, why: str) -> None:
        buried.append(why)

    monkeypatch.setattr(Delivery, "_give_up", give_up)
    delivery = delivery_to(to_many(database, react), database)
    messages = [
        Message(database, balance_changed(uuid4(), version).model_dump_json().encode()) for version in range(1, 6)
    ]
    await asyncio.gather(*(delivery.receive(cast(Any, message)) for message in messages))
    assert effects == Counter([1, 2, 4, 5])
    assert [why.endswith("3 tries") for why in buried] == [True]
    assert [message.committed_when_acknowledged for message in messages] == [[True], [True], [], [True], [True]]
