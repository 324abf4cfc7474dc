"""A piece of news and its effect are one transaction; what cannot be taken becomes a dead letter, and stops nobody."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID, uuid4

import aio_pika
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import consumers, worker
from services.billing.commands.update_invoice import update_invoice
from shared.contracts.orders import OrderFacts, OrderPlaced
from shared.db import Database
from shared.envelope import BATCH
from shared.settings import WorkerSettings
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.shared.conftest import Orders, invoices

QUEUE = "billing.on.orders.order_placed.v1"


@pytest.fixture(scope="module")
async def billing_worker(installation: Installation) -> AsyncIterator[str]:
    urls = {"database_url": installation.database_url("billing"), "broker_url": installation.broker_url("billing")}
    async with serving(worker.create(settings(WorkerSettings, **urls))) as url:
        yield url


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same retries, sooner."""
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.01, 0.02, 0.03, 0.04))
    monkeypatch.setattr("shared.delivery.UNREACHABLE_SECONDS", 0.02)


async def dead_letters(installation: Installation) -> list[aio_pika.abc.AbstractIncomingMessage]:
    connection = await aio_pika.connect(installation.broker_url("operator"))
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue("purser.dead_letters", ensure=False)
        found = []
        while (message := await queue.get(fail=False, timeout=5)) is not None:
            found.append(message)
        return found


def sick(monkeypatch: pytest.MonkeyPatch, order: OrderFacts) -> Counter[str]:
    """The reaction to this order fails each time; gives how often it was tried for each."""
    tries = Counter[str]()

    async def failing(session: AsyncSession, event: OrderFacts, line: int | None = None) -> None:
        tries[event.order_number] += 1
        if event.order_number == order.order_number:
            raise RuntimeError("a bug")
        await update_invoice(session, event, line)

    monkeypatch.setattr(consumers, "update_invoice", failing)
    return tries


async def test_an_event_delivered_five_times_takes_effect_once(
    database: Database, orders: Orders, billing_worker: str
) -> None:
    customer = Customer(database)
    order, event_id = customer.order(100), str(uuid4())
    for _ in range(5):
        await orders.tell(order.model_dump_json().encode(), event_id)
    await eventually(lambda: invoices(database, order), "an invoice")
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM inbox WHERE event_id = :id"), {"id": event_id}) == 1


async def test_a_reaction_that_fails_at_first_is_tried_again(
    database: Database, orders: Orders, billing_worker: str, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, tries = Customer(database).order(100), Counter[str]()

    async def flaky(session: AsyncSession, event: OrderFacts, line: int | None = None) -> None:
        tries[event.order_number] += 1
        if event.order_number == order.order_number and tries[event.order_number] <= 3:
            raise RuntimeError("not yet")
        await update_invoice(session, event, line)

    monkeypatch.setattr(consumers, "update_invoice", flaky)
    await orders.tell(order.model_dump_json().encode(), str(uuid4()))
    await eventually(lambda: invoices(database, order), "an invoice at the fourth try")
    assert tries[order.order_number] == 4


async def test_what_fails_every_time_becomes_a_dead_letter_and_others_pass(
    installation: Installation,
    database: Database,
    orders: Orders,
    billing_worker: str,
    patient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    customer = Customer(database)
    bad, good = customer.order(100), customer.order(200)
    tries = sick(monkeypatch, bad)
    event_id = str(uuid4())
    await orders.tell(bad.model_dump_json().encode(), event_id)
    await orders.tell(good.model_dump_json().encode(), str(uuid4()))
    await eventually(lambda: invoices(database, good), "the good one's invoice")
    letter = await _becomes_a_dead_letter(installation, event_id)
    assert re.fullmatch(r"RuntimeError in tests/shared/test_worker\.py:\d+, 5 tries", str(letter.headers["x-died-of"]))
    assert (letter.headers["ce-id"], letter.headers["ce-type"]) == (event_id, OrderPlaced.routing_key)
    assert (letter.body, letter.delivery_mode) == (bad.model_dump_json().encode(), 2)
    assert tries[bad.order_number] == 5
    assert await invoices(database, bad) == 0


async def test_of_a_batch_what_cannot_be_taken_is_a_dead_letter_of_its_own_and_the_others_take_effect(
    installation: Installation,
    database: Database,
    orders: Orders,
    billing_worker: str,
    patient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    customer = Customer(database)
    bad, *good = [customer.order(amount) for amount in range(100, 110)]
    tries = sick(monkeypatch, bad)
    bad_id, *_ = await orders.tell_together(bad, *good)
    *_, invalid_id = await orders.tell_together(bodies=[good[0].model_dump_json(), '{"version":1}'])
    for order in good:
        await eventually(partial(invoices, database, order), "the good ones' invoices")
    letter = await _becomes_a_dead_letter(installation, str(bad_id))
    assert re.fullmatch(r"RuntimeError in tests/shared/test_worker\.py:\d+, 5 tries", str(letter.headers["x-died-of"]))
    assert (letter.headers["ce-id"], letter.headers["ce-type"]) == (str(bad_id), OrderPlaced.routing_key)
    assert (json.loads(letter.body), letter.delivery_mode) == (bad.model_dump(mode="json"), 2)
    assert tries[bad.order_number] == 6
    letter = await _becomes_a_dead_letter(installation, str(invalid_id))
    assert str(letter.headers["x-died-of"]).startswith("not a valid OrderPlaced: at: missing, order_number: missing")


@pytest.mark.parametrize("body", [b"", b"null", b"[{}]", b"[" * 10_000, b'[{"data": {}}]'])
async def test_what_is_no_batch_is_a_dead_letter_as_it_is(
    installation: Installation, orders: Orders, billing_worker: str, body: bytes
) -> None:
    message = aio_pika.Message(body, content_type=BATCH, message_id=str(uuid4()))
    await orders.exchange.publish(message, OrderPlaced.routing_key, timeout=5)
    letter = await _becomes_a_dead_letter(installation, str(message.message_id))
    assert str(letter.headers["x-died-of"]).startswith("not a valid list")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a valid OrderPlaced: json_invalid"),
        (b"{", "not a valid OrderPlaced: json_invalid"),
        (b"null", "not a valid OrderPlaced: model_type"),
        (b"\xff\xfe\x00", "not a valid OrderPlaced: json_invalid"),
        (b'{"version": 1}', "not a valid OrderPlaced: at: missing, order_number: missing, customer_id: missing and"),
        (b"[" * 10_000, "not a valid OrderPlaced: json_invalid"),
        (json.dumps({"total_minor": 10**30}).encode(), "not a valid OrderPlaced: version: missing, at: missing"),
    ],
)
async def test_a_body_that_is_no_valid_event_is_a_dead_letter_at_once(
    installation: Installation, orders: Orders, billing_worker: str, body: bytes, why: str
) -> None:
    event_id = str(uuid4())
    await orders.tell(body, event_id)
    letter = await _becomes_a_dead_letter(installation, event_id)
    assert str(letter.headers["x-died-of"]).startswith(why)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "not a valid event: its ce-type is not orders.order_placed.v1"),
        ({"ce-id": str(UUID(int=1)), "ce-type": "orders.order_placed.v2"}, "not a valid event: its ce-type is not"),
        ({"ce-type": "orders.order_placed.v1"}, "not a valid event: its ce-id is not a UUID"),
        ({"ce-type": "orders.order_placed.v1", "ce-id": "7"}, "not a valid event: its ce-id is not a UUID"),
    ],
)
async def test_an_event_without_its_id_or_of_another_type_is_a_dead_letter(
    installation: Installation,
    database: Database,
    orders: Orders,
    billing_worker: str,
    headers: dict[str, str],
    why: str,
) -> None:
    message_id = str(uuid4())
    await orders.tell(Customer(database).order(1).model_dump_json().encode(), message_id, headers=headers)
    letter = await _becomes_a_dead_letter(installation, message_id)
    assert str(letter.headers["x-died-of"]).startswith(why)


async def test_a_dead_letter_that_cannot_say_why_is_one_all_the_same(
    installation: Installation, orders: Orders, billing_worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with a broker whose definitions are older than the worker: nobody may write there.
    monkeypatch.setattr("shared.dead_letters.DEAD_LETTERS", "purser.nowhere")
    message_id = str(uuid4())
    await orders.tell(b"{", message_id)
    letter = await _becomes_a_dead_letter(installation, message_id)
    assert "x-died-of" not in letter.headers
    assert letter.headers["x-first-death-reason"] == "rejected"


async def _becomes_a_dead_letter(installation: Installation, message_id: str) -> aio_pika.abc.AbstractIncomingMessage:
    found: list[aio_pika.abc.AbstractIncomingMessage] = []

    async def dead() -> bool:
        letters = await dead_letters(installation)
        found[:] = [each for each in letters if each.message_id == message_id and each.routing_key == QUEUE]
        return bool(found)

    await eventually(dead, "a dead letter that names its queue")
    return found[0]


async def test_an_unreachable_database_is_waited_for_and_costs_the_event_nothing(
    database: Database, orders: Orders, billing_worker: str, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, tries = Customer(database).order(100), 0

    async def down_at_first(session: AsyncSession, event: OrderFacts, line: int | None = None) -> None:
        nonlocal tries
        if event.order_number == order.order_number and (tries := tries + 1) <= 20:
            raise ConnectionRefusedError
        await update_invoice(session, event, line)

    monkeypatch.setattr(consumers, "update_invoice", down_at_first)
    await orders.tell(order.model_dump_json().encode(), str(uuid4()))
    await eventually(lambda: invoices(database, order), "an invoice once the database is back")
    assert tries == 21
