"""A channel to the broker without a broker: it hands over what a test says, and remembers what it is told."""

from dataclasses import dataclass, field
from itertools import count
from typing import cast
from uuid import UUID, uuid4

from aio_pika.abc import AbstractConnection
from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.commands import Basic
from pamqp.common import FieldTable
from pamqp.header import ContentHeader
from sqlalchemy import text

from shared.contracts.base import Event
from shared.contracts.billing import BalanceChanged
from shared.db import Database
from shared.delivery import Delivery, ReactionToMany


@dataclass
class Channel:
    """`unsettled` are the tags that a broker would deliver again; telling it of any other ends a real channel."""

    unsettled: set[int] = field(default_factory=set)
    frames: list[tuple[str, int]] = field(default_factory=list)
    tags: "count[int]" = field(default_factory=lambda: count(1))

    async def basic_ack(self, tag: int, multiple: bool = False) -> None:
        self.settle(range(1, tag + 1) if multiple else [tag])
        self.frames.append(("all up to" if multiple else "only", tag))

    async def basic_reject(self, tag: int, requeue: bool) -> None:
        assert not requeue
        self.settle([tag])
        self.frames.append(("reject", tag))

    def settle(self, tags: "range | list[int]") -> None:
        assert tags[-1] in self.unsettled, "an unknown delivery tag"
        self.unsettled -= set(tags)

    def deliver(self, event: Event, event_id: UUID | None = None) -> DeliveredMessage:
        tag = next(self.tags)
        self.unsettled.add(tag)
        headers: FieldTable = {"ce-id": str(event_id or uuid4()), "ce-type": event.routing_key}
        return DeliveredMessage(
            Basic.Deliver(delivery_tag=tag),
            ContentHeader(properties=Basic.Properties(headers=headers)),
            event.model_dump_json().encode(),
            cast(AbstractChannel, self),
        )

    def delivery(self, reaction: ReactionToMany, together: int, database: Database) -> Delivery:
        nowhere = cast(AbstractConnection, None)
        here = cast(AbstractChannel, self)
        return Delivery("a queue", BalanceChanged, reaction, together, database, nowhere, here)


@dataclass
class Witness(Channel):
    """Looks, at each acknowledgement, whether the effect is committed."""

    database: Database = field(kw_only=True)
    event_id: UUID = field(default_factory=uuid4, kw_only=True)
    committed: list[bool] = field(default_factory=list, kw_only=True)

    async def basic_ack(self, tag: int, multiple: bool = False) -> None:
        async with self.database.transaction() as session:
            taken = text("SELECT count(*) FROM inbox WHERE event_id = :id")
            self.committed.append(await session.scalar(taken, {"id": self.event_id}) == 1)
        await super().basic_ack(tag, multiple)
