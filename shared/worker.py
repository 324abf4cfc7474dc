"""A service's second door: events. It listens to its queues and relays its outbox."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from fastapi import FastAPI
from faststream.middlewares import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage

from shared import outbox
from shared.contracts.base import Event
from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.db import Database
from shared.delivery import Delivery
from shared.effects import AtOnce, Reaction, ReactionWithInbox
from shared.health import Check, Health, NotReady, database_check
from shared.housekeeping import Chore, keep_house
from shared.listening import keep_listening
from shared.relay import Relay
from shared.suspects import Suspects
from shared.watching import Count, relay_check, watch_broker, watch_outbox
from shared.web import web_app

# How many messages of one queue are in hand at once; one that waits for its next try takes up one of them.
PREFETCH = 100

E = TypeVar("E", bound=Event)


class Reactions:
    """What a listener does on which event; complete with respect to `SUBSCRIPTIONS`, or it does not start."""

    def __init__(self, listener: str) -> None:
        self.listener = listener
        self._reactions: dict[type[Event], Reaction[Event] | AtOnce[Event]] = {}

    def on(self, event: type[E]) -> Callable[[Reaction[E]], Reaction[E]]:
        """Each event in a transaction of its own."""

        def add(reaction: Reaction[E]) -> Reaction[E]:
            self._reactions[event] = reaction  # type: ignore[assignment]
            return reaction

        return add

    def at_once(self, event: type[E], reaction: ReactionWithInbox[E], held: ReactionWithInbox[E]) -> None:
        """Whatever has come meanwhile in one go, as far as nobody is in the way; the rest `held`, each by itself."""
        self._reactions[event] = AtOnce(reaction, held)  # type: ignore[arg-type]

    def subscribe(self, database: Database, broker: RabbitBroker) -> list[str]:
        """Listen, on one lasting queue per event, with a channel for each; give the queues' names."""
        if set(self._reactions) != set(SUBSCRIPTIONS[self.listener]):
            raise LookupError(f"{self.listener} does not react to exactly what SUBSCRIPTIONS says")
        suspects = Suspects(database)
        for event, reaction in self._reactions.items():
            queue = queue_name(self.listener, event)
            delivery = Delivery(queue, event, reaction, database, broker, suspects)
            broker.subscriber(
                RabbitQueue(queue, declare=False),
                channel=Channel(prefetch_count=PREFETCH),
                ack_policy=AckPolicy.MANUAL,
                decoder=_undecoded,
            )(delivery.receive)
        return [queue_name(self.listener, event) for event in self._reactions]


async def _undecoded(message: RabbitMessage) -> RabbitMessage:
    """A body that cannot be decoded must reach us, so that it can be made a dead letter rather than be stranded."""
    return message


def listening_check(up: asyncio.Event) -> Check:
    async def check() -> None:
        if not up.is_set():
            raise NotReady("It does not listen to its queues yet.")

    return check


def service_worker(
    service: str,
    database: Database,
    database_url: str,
    broker_url: str,
    reactions: Reactions,
    *chores: Chore,
    also: Sequence[Callable[[Database], Coroutine[None, None, None]]] = (),
    unsettled: Count | None = None,
) -> FastAPI:
    """A service's worker: listening, relaying, housekeeping, and what else it does for ever; it answers HTTP only about
    its health."""
    up = asyncio.Event()
    relay = Relay(service, database_url, broker_url)
    health = Health({"database": database_check(database), "listening": listening_check(up)})
    health.checks["relay"] = relay_check(relay, health)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(keep_listening(broker_url, partial(reactions.subscribe, database), up)),
            asyncio.create_task(relay.run()),
            asyncio.create_task(outbox.ring(database, near=relay.ring)),
            asyncio.create_task(keep_house(database, *chores)),
            *(asyncio.create_task(work(database)) for work in also),
            asyncio.create_task(watch_outbox(service, database, health, unsettled)),
            asyncio.create_task(watch_broker(service, broker_url, health, health.obstacles)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()

    return web_app(f"Purser {service} worker", lifespan, health)
