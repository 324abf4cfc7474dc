"""`purser dead-letters`: looking loses nothing, a replay has one effect, giving up has a who and a why."""

import asyncio
import os
import signal
import sys
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from deploy.local.home import ROOT
from deploy.operating.dead_letters import InHand, dead_letters
from tests.eventually import eventually
from tests.installation import Installation
from tests.operating.conftest import Purser, Subscriber


def ids_in(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines() if "  since " in line]


async def test_the_list_says_what_died_where_and_why_and_changes_nothing(
    purser_command: Purser, subscriber: Subscriber
) -> None:
    buried = [await subscriber.bury(headers={"ce-type": "orders.x.v1", "ce-subject": f"ORD-{n}"}) for n in range(30)]
    for _ in range(2):
        listed = await purser_command("dead-letters", "list", "--queue", subscriber.name)
        assert (listed.exit_code, ids_in(listed.output)) == (0, buried)
    assert f"{buried[0]}  orders.x.v1  ORD-0  {subscriber.name}  since 20" in listed.output
    assert "    a bug\n" in listed.output
    assert f"30 dead letters\n  30 of {subscriber.name}" in listed.output
    few = await purser_command("dead-letters", "list", "--queue", subscriber.name, "--limit", "2")
    assert ids_in(few.output) == buried[:2]
    assert "... and 28 more" in few.output


async def test_what_is_shown_cannot_command_the_terminal(purser_command: Purser, subscriber: Subscriber) -> None:
    json = await subscriber.bury('{"name": "\u202eJos\u00e9 \x1b[2J"}'.replace("\x1b", "\\u001b").encode())
    other = await subscriber.bury(b"\x1b[2J no JSON", headers={"ce-subject": "\x1b[2J\n"})
    shown = await purser_command("dead-letters", "show", json, other)
    assert shown.exit_code == 0
    assert "José" in shown.output
    assert "(no JSON) b'\\x1b[2J no JSON'" in shown.output
    assert not {"\x1b", "\u202e"} & set(shown.output)
    absent = await purser_command("dead-letters", "show", str(uuid4()))
    assert (absent.exit_code, "There is no dead letter" in absent.output) == (1, True)


async def test_a_replay_goes_to_exactly_the_queue_it_died_in_and_is_the_same_event(
    purser_command: Purser, subscriber: Subscriber
) -> None:
    first = await subscriber.bury(b'{"n": 1}', headers={"ce-id": "1", "ce-type": "orders.x.v1"})
    rest = [await subscriber.bury(b'{"n": 2}'), await subscriber.bury(b'{"n": 3}')]
    done = await purser_command("dead-letters", "replay", first, "--by", "olga", "--why", "fixed")
    assert (done.exit_code, done.output) == (0, "1 replayed by olga\n")
    [message] = await subscriber.take_all()
    assert (message.message_id, message.body, message.delivery_mode) == (first, b'{"n": 1}', 2)
    own = {name: value for name, value in message.headers.items() if name != "x-delivery-count"}
    assert own == {"ce-id": "1", "ce-type": "orders.x.v1"}
    assert (await purser_command("dead-letters", "replay", first)).exit_code == 1
    done = await purser_command("dead-letters", "replay", "--all", "--queue", subscriber.name, "--by", "olga")
    assert done.output == "2 replayed by olga\n"
    assert {message.message_id for message in await subscriber.take_all()} == set(rest)
    assert "0 dead letters" in (await purser_command("dead-letters", "list", "--queue", subscriber.name)).output


async def test_a_letter_does_not_name_further_queues_to_the_operators_rights(
    purser_command: Purser, subscriber: Subscriber, channel: AbstractChannel
) -> None:
    other = await channel.declare_queue(f"integrator.{uuid4()}", auto_delete=True)
    exchange = await channel.get_exchange("purser.dead_letters", ensure=False)
    letter = aio_pika.Message(b"{}", message_id=str(uuid4()), headers={"CC": [other.name]}, expiration=3600)
    await exchange.publish(letter, subscriber.name, timeout=5)
    assert (await purser_command("dead-letters", "replay", str(letter.message_id))).exit_code == 0
    [message] = await subscriber.take_all()
    assert (message.headers.get("CC"), message.expiration) == (None, None)
    assert await other.get(fail=False, timeout=5) is None


async def test_a_letter_whose_queue_is_gone_stays(
    purser_command: Purser, subscriber: Subscriber, channel: AbstractChannel
) -> None:
    buried = await subscriber.bury()
    await channel.queue_delete(subscriber.name)
    done = await purser_command("dead-letters", "replay", buried)
    assert (done.exit_code, f"{buried} stays: there is no queue {subscriber.name}" in done.output) == (1, True)
    assert ids_in((await purser_command("dead-letters", "list", "--queue", subscriber.name)).output) == [buried]
    assert (await purser_command("dead-letters", "discard", buried, "--why", "gone")).exit_code == 0


async def test_what_is_given_up_is_written_down_with_who_and_why(
    purser_command: Purser, subscriber: Subscriber
) -> None:
    buried = await subscriber.bury(headers={"ce-subject": "ORD-7"})
    for refused in (["discard", buried], ["discard", buried, "--why", " "], ["replay"], ["replay", buried, "--all"]):
        assert (await purser_command("dead-letters", *refused)).exit_code == 2
    done = await purser_command("dead-letters", "discard", buried, "--by", "olga", "--why", "sent by mistake")
    assert (done.exit_code, done.output) == (0, "1 discarded by olga\n")
    told = (await purser_command("dead-letters", "log", "--limit", "1")).output
    assert f"olga  discarded  {buried}  ORD-7  {subscriber.name}" in told
    assert "sent by mistake; it had died of: a bug" in told
    assert await subscriber.take_all() == []


async def test_what_cannot_be_written_down_is_not_done(
    purser_command: Purser, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    buried = await subscriber.bury()
    with monkeypatch.context() as cut:
        cut.setenv("PURSER_ORDERS_DATABASE_URL", "postgresql+asyncpg://orders:x@127.0.0.1:1/orders")
        done = await purser_command("dead-letters", "discard", buried, "--why", "a test")
        assert (done.exit_code, "A database cannot be reached." in done.output) == (2, True)
    assert ids_in((await purser_command("dead-letters", "list", "--queue", subscriber.name)).output) == [buried]
    monkeypatch.setenv("PURSER_BROKER_URL", "amqp://operator:x@127.0.0.1:1/purser")
    nowhere = await purser_command("dead-letters", "list")
    assert (nowhere.exit_code, "The broker does not answer" in nowhere.output) == (2, True)


async def test_looking_often_loses_nothing(installation: Installation, subscriber: Subscriber) -> None:
    # Oftener than RabbitMQ 4 delivers a message of a queue that has no limit of its own.
    buried = sorted([await subscriber.bury() for _ in range(3)])

    async def all_there() -> bool:
        # What was in hand is back a moment after the connection is closed.
        async with dead_letters(installation.broker_url("operator")) as letters:
            found = [each.id async for some in letters.some() for each in some if each.queue == subscriber.name]
        return sorted(found) == buried

    for _ in range(25):
        await eventually(all_there, "all letters that were buried")


async def test_two_do_not_hold_letters_at_once(installation: Installation, subscriber: Subscriber) -> None:
    await subscriber.bury()
    async with dead_letters(installation.broker_url("operator")):
        with pytest.raises(InHand):
            async with dead_letters(installation.broker_url("operator")):
                pass


async def test_one_event_that_died_twice_is_two_letters(purser_command: Purser, subscriber: Subscriber) -> None:
    message_id = await subscriber.bury()
    await subscriber.bury(message_id=message_id)
    done = await purser_command("dead-letters", "replay", message_id, "--by", "olga")
    assert done.output == "2 replayed by olga\n"
    assert [message.message_id for message in await subscriber.take_all()] == [message_id] * 2


async def test_killed_in_the_middle_of_a_replay_nothing_is_lost_and_the_next_one_ends_it(
    purser_command: Purser, subscriber: Subscriber
) -> None:
    buried = {await subscriber.bury() for _ in range(600)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", "dead-letters", "replay", "--all", "--queue", subscriber.name),
        env=os.environ,
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    replayed: list[str | None] = []

    async def some_are_back() -> bool:
        replayed.extend(message.message_id for message in await subscriber.take_all(1))
        return bool(replayed)

    await eventually(some_are_back, "some of them replayed")
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    replayed.extend(message.message_id for message in await subscriber.take_all())
    assert len(set(replayed)) < 600

    async def in_hand_again() -> bool:
        return (await purser_command("dead-letters", "replay", "--all", "--queue", subscriber.name)).exit_code == 0

    await eventually(in_hand_again, "the rest replayed")
    replayed.extend(message.message_id for message in await subscriber.take_all())
    assert set(replayed) == buried
