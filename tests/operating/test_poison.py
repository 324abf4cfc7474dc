"""What cannot be taken is kept and holds up nobody; once its listener is mended it takes effect, once."""

from collections import Counter
from functools import partial
from itertools import pairwise
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing import consumers, worker
from services.billing.commands.update_invoice import update_invoice
from shared.contracts.orders import OrderFacts, OrderPlaced
from shared.db import Database
from shared.effects import repeats_total
from shared.settings import WorkerSettings
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.operating.conftest import QUEUE, Purser


async def test_poison_of_all_kinds_is_kept_and_the_mended_kind_takes_effect_once(
    installation: Installation,
    database: Database,
    channel: AbstractChannel,
    purser_command: Purser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.delivery.RETRY_SECONDS", (0.01, 0.02, 0.03, 0.04))
    exchange, customer, tries = await channel.get_exchange("purser.batches"), Customer(database), Counter[str]()
    sick, good = customer.order(100), [customer.order(amount) for amount in range(1, 21)]

    async def with_a_bug(session: AsyncSession, event: OrderFacts, line: int | None = None) -> None:
        tries[event.order_number] += 1
        if event.order_number == sick.order_number:
            raise RuntimeError("a bug")
        await update_invoice(session, event, line)

    async def tell(body: bytes, event_type: str = OrderPlaced.routing_key) -> str:
        event_id = str(uuid4())
        headers: dict[str, aio_pika.abc.FieldValue] = {"ce-id": event_id, "ce-type": event_type}
        message = aio_pika.Message(body, headers=headers, message_id=event_id)
        await exchange.publish(message, OrderPlaced.routing_key, timeout=5)
        return event_id

    async def invoices(*orders: OrderFacts) -> int:
        async with database.transaction() as session:
            wanted = {"numbers": [order.order_number for order in orders]}
            query = text("SELECT count(*) FROM invoices WHERE order_number = ANY(:numbers)")
            return int(await session.scalar(query, wanted) or 0)

    async def dead() -> dict[str, str]:
        lines = (await purser_command("dead-letters", "list", "--queue", QUEUE, "--limit", "1000")).output.splitlines()
        return {line.split()[0]: why.strip() for line, why in pairwise(lines) if " since " in line}

    async def replayed(why: str) -> bool:
        # What the command before had in hand is back a moment after its end.
        return (await purser_command("dead-letters", "replay", sick_id, "--why", why)).exit_code == 0

    monkeypatch.setattr(consumers, "update_invoice", with_a_bug)
    urls = {"database_url": installation.database_url("billing"), "broker_url": installation.broker_url("billing")}
    async with serving(worker.create(settings(WorkerSettings, **urls))):
        valid = sick.model_dump_json().encode()
        bad = {
            await tell(b"\xff no JSON"): "not a valid OrderPlaced: json_invalid",
            await tell(
                valid.replace(b'"total_minor":100', b'"total_minor":-1')
            ): "not a valid OrderPlaced: total_minor",
            await tell(valid, "orders.order_exploded.v1"): "not a valid event: its ce-type is not",
            await tell(valid, "orders.order_placed.v9"): "not a valid event: its ce-type is not",
            (sick_id := await tell(valid)): "RuntimeError in tests/operating/test_poison.py:",
        }
        for order in good:
            await tell(order.model_dump_json().encode())

        async def others_have_passed() -> bool:
            return await invoices(*good) == len(good)

        await eventually(others_have_passed, "the good ones' invoices")

        kept: dict[str, str] = {}

        async def all_are_kept() -> bool:
            kept.update(await dead())
            return bad.keys() <= kept.keys()

        await eventually(all_are_kept, "all of the bad ones as dead letters")
        assert all(kept[event_id].startswith(why) for event_id, why in bad.items()), kept
        assert (tries[sick.order_number], set(tries.values()) - {5}) == (5, {1})
        assert await invoices(sick) == 0

        monkeypatch.setattr(consumers, "update_invoice", update_invoice)
        await eventually(partial(replayed, "mended"), "it is replayed")

        async def took_effect() -> bool:
            return await invoices(sick) == 1

        await eventually(took_effect, "its invoice")
        assert (await purser_command("dead-letters", "replay", sick_id)).exit_code == 1
        repeated = repeats_total.labels(QUEUE)._value.get()
        copy = aio_pika.Message(valid, headers={"ce-id": sick_id, "ce-type": OrderPlaced.routing_key})
        copy.message_id = sick_id
        await (await channel.get_exchange("purser.dead_letters")).publish(copy, QUEUE, timeout=5)
        await eventually(partial(replayed, "once more"), "it is replayed again")

        async def refused_by_the_inbox() -> bool:
            return bool(repeats_total.labels(QUEUE)._value.get() > repeated)

        await eventually(refused_by_the_inbox, "the second replay")
        assert await invoices(sick) == 1
    assert (await purser_command("dead-letters", "discard", *bad.keys() - {sick_id}, "--why", "poison")).exit_code == 0
    assert not bad.keys() & (await dead()).keys()
