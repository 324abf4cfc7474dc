"""What each user of the broker may do there, tried for real, and ways to say what another service says.

RabbitMQ lets everybody see how many messages a queue holds that they can name; of what is in it they see nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.exceptions import AMQPException

from shared.contracts.subscriptions import SUBSCRIPTIONS, queue_name
from shared.messaging import BATCHES, DEAD_LETTERS, EVENTS, again_exchange, definitions, live_queue_name
from tests.access.broker import (
    Attempts,
    Users,
    bind,
    connected,
    consume,
    declare,
    declare_exchange,
    delete,
    feed,
    overhear,
    publish,
    purge,
    remove_exchange,
    subscribe,
    unbind,
    wrong,
)
from tests.installation import Installation

USERS = ("orders", "billing", "support", "gateway", "integrator")
NOBODYS = uuid4().hex
KEYS = {name: f"{name}.something.v1" for name in ("orders", "billing", "support", "gateway", "integrator")}
KEYS |= {"nobody": f"nobody.{NOBODYS}", "one too clever": "billingx.order_paid.v1"}
QUEUES = {queue_name(listener, event): listener for listener, events in SUBSCRIPTIONS.items() for event in events} | {
    DEAD_LETTERS: "operator"
}
TOLD = (EVENTS, BATCHES)
AGAIN = tuple(map(again_exchange, SUBSCRIPTIONS))
PREFIXES = ("orders.on.", "billing.on.", "support.on.", "gateway.on.", "gateway.live.", "integrator.", "purser.", "")


@pytest.fixture(scope="module")
async def users(installation: Installation) -> AsyncIterator[Users]:
    async with connected(installation, *USERS) as users:
        yield users


def test_every_user_but_the_operator_is_tried() -> None:
    known = definitions()["users"]
    assert isinstance(known, list)
    assert {user["name"] for user in known} == {*USERS, "operator"}
    assert [user["name"] for user in known if user["tags"]] == ["operator"]


async def test_a_service_tells_its_own_events_and_nobody_elses(users: Users) -> None:
    attempts: Attempts = {}
    for user in USERS:
        for whose, key in KEYS.items():
            own = user == whose and user in ("orders", "billing", "support")
            for exchange in TOLD:
                attempts[user, f"tells {exchange} {key}"] = partial(publish, exchange=exchange, routing_key=key), own
    assert await wrong(users, attempts) == []


async def test_nobody_writes_into_a_queue(users: Users) -> None:
    """But a listener gives up what has come to its own, as a dead letter of that name, or has it come again."""
    attempts: Attempts = {}
    for user in USERS:
        for exchange in ("", DEAD_LETTERS, *AGAIN, "amq.direct", "amq.topic", "amq.fanout", "amq.headers"):
            for queue, owner in QUEUES.items():
                what = f"writes by {exchange or 'the default exchange'} to {queue}"
                # Whatever is written to its own exchange, it comes to nobody else's queue.
                allowed = exchange == again_exchange(user) or (exchange == DEAD_LETTERS and user == owner)
                attempts[user, what] = partial(publish, exchange=exchange, routing_key=queue), allowed
    assert await wrong(users, attempts) == []


async def test_a_queue_is_its_listeners(users: Users) -> None:
    """Who listens may read, and so throw away what has come; nobody may delete a queue or change what comes to it."""
    attempts: Attempts = {}
    for user in USERS:
        for queue, owner in QUEUES.items():
            attempts[user, f"reads {queue}"] = partial(consume, queue=queue), user == owner
            attempts[user, f"deletes {queue}"] = partial(delete, queue=queue), False
            for source in TOLD:
                # The exchange for dead letters bears the same name as their queue, and the gateway may write to it.
                same_name = user == "gateway" and queue == DEAD_LETTERS and source == BATCHES
                attempts[user, f"binds {queue} to {source}"] = partial(bind, queue=queue, source=source), same_name
                attempts[user, f"unbinds {queue} from {source}"] = (
                    partial(unbind, queue=queue, source=source),
                    same_name,
                )
            if user != owner:
                attempts[user, f"purges {queue}"] = partial(purge, queue=queue), False
    assert await wrong(users, attempts) == []


async def test_only_the_gateway_and_other_programs_make_queues_and_under_their_own_names(users: Users) -> None:
    attempts: Attempts = {}
    own = {"gateway": "gateway.live.", "integrator": "integrator."}
    for user in USERS:
        for prefix in PREFIXES:
            name, allowed = f"{prefix}{uuid4().hex}", own.get(user) == prefix
            attempts[user, f"makes the queue {prefix}..."] = partial(declare, queue=name), allowed
            attempts[user, f"makes the exchange {prefix}..."] = partial(declare_exchange, exchange=name), allowed
        for exchange in (*TOLD, DEAD_LETTERS, *AGAIN):
            attempts[user, f"removes {exchange}"] = partial(remove_exchange, exchange=exchange), False
    assert await wrong(users, attempts) == []


async def test_nobody_has_the_broker_say_for_them_what_they_may_not(users: Users) -> None:
    """A dead letter, and what an exchange cannot route, go on under the broker's own name."""
    attempts: Attempts = {}
    for user, prefix in {"gateway": "gateway.live.", "integrator": "integrator."}.items():
        for exchange in TOLD:
            what = f"feeds {exchange} from its own"
            attempts[user, what] = partial(feed, user=prefix, exchange=exchange), False
        for exchange in ("", *TOLD, DEAD_LETTERS, *AGAIN):
            name = f"{prefix}{uuid4().hex}"
            dead = {"x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": "orders.on.billing.order_paid.v1"}
            # The gateway may write dead letters, which no program reads but the operator's, and to its own queues.
            allowed = user == "gateway" and exchange in (DEAD_LETTERS, again_exchange("gateway"))
            what = f"lets letters die into {exchange or 'the default exchange'}"
            attempts[user, what] = partial(declare, queue=name, arguments=dead), allowed
            if exchange:
                spill = partial(declare_exchange, exchange=name, arguments={"alternate-exchange": exchange})
                attempts[user, f"lets an exchange spill into {exchange}"] = spill, allowed
        for queue in QUEUES.keys() - {DEAD_LETTERS}:
            attempts[user, f"has everything told to {queue}"] = partial(bind, queue=queue, key="#"), False
    assert await wrong(users, attempts) == []


async def test_services_overhear_nothing(users: Users) -> None:
    attempts: Attempts = {}
    for user in ("orders", "billing", "support"):
        for key in ("#", "support.ticket_changed.v1"):
            for source in TOLD:
                attempts[user, f"overhears {key} of {source}"] = partial(overhear, key=key, source=source), False
    assert await wrong(users, attempts) == []


async def test_a_gateways_live_queue_is_that_ones_alone(installation: Installation, users: Users) -> None:
    """Other gateways are the same user of the broker; the queue belongs to the connection that made it."""
    name = live_queue_name(uuid4())
    async with await aio_pika.connect(installation.broker_url("gateway")) as connection:
        channel = await connection.channel()
        await channel.declare_queue(name, exclusive=True, auto_delete=True)
        verbs: dict[str, Callable[..., Awaitable[None]]] = {"reads": consume, "purges": purge, "deletes": delete}
        attempts: Attempts = {
            (user, what): (partial(verb, queue=name), False)
            for user in USERS
            for what, verb in {**verbs, "binds": bind}.items()
        }
        assert await wrong(users, attempts) == []


async def test_other_programs_hear_all_events_and_read_their_own_queues(users: Users) -> None:
    """They share one user, and so each other's queues: an installation with several gives each a user of its own."""
    attempts: Attempts = {
        ("integrator", "subscribes"): (subscribe, True),
        ("integrator", "subscribes to what is for our own queues"): (partial(subscribe, source=BATCHES), False),
    }
    assert await wrong(users, attempts) == []


@pytest.mark.parametrize("user", USERS)
async def test_nobody_comes_in_with_another_password_or_to_another_host(installation: Installation, user: str) -> None:
    url = installation.broker_url(user)
    for bad in (url.replace("for-tests-only", "another"), url.rpartition("/")[0] + "/%2F"):
        with pytest.raises((AMQPException, ConnectionError)):
            await aio_pika.connect(bad)
