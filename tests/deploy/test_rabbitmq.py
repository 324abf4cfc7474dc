"""The private RabbitMQ: however it ends, it starts again, with its messages, and its epmd goes with it."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from deploy.local.home import HOME
from deploy.local.ports import free_port
from deploy.local.processes import started_for
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.rabbitmq_binaries import installed, unpack
from deploy.rabbitmq.definitions import Definitions, render

BARE: Definitions = {
    "vhosts": [{"name": "purser"}],
    "users": [{"name": "orders", "tags": []}],
    "permissions": [{"user": "orders", "vhost": "purser", "configure": "", "write": ".*", "read": ".*"}],
    "queues": [
        {
            "name": "kept",
            "vhost": "purser",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "quorum"},
        }
    ],
}


def _definitions(vhost: str) -> Definitions:
    return render(BARE, {"orders": "secret"}, vhost)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RabbitMQ]:
    HOME.make()
    unpacked = HOME.folder / "rabbitmq"
    node = RabbitMQ(tmp_path / "rabbitmq", free_port(), installed(unpacked) or unpack(unpacked, HOME.folder / "apt"))
    node.start(_definitions("purser"))
    yield node
    node.kill()
    assert not started_for(tmp_path)


async def _publish_and_count(node: RabbitMQ, vhost: str = "purser") -> int:
    connection = await aio_pika.connect(node.url("orders", "secret", vhost))
    async with connection, connection.channel() as channel:
        message = aio_pika.Message(b"news", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "kept")
        queue = await channel.declare_queue("kept", passive=True)
        return queue.declaration_result.message_count or 0


async def test_messages_and_definitions_outlive_a_stop_and_kill_9(node: RabbitMQ) -> None:
    assert await _publish_and_count(node) == 1
    await asyncio.to_thread(node.stop)
    assert not started_for(node.folder)
    await asyncio.to_thread(node.start, _definitions("purser"))
    assert await _publish_and_count(node) == 2
    assert node.pid is not None
    os.kill(node.pid, signal.SIGKILL)
    await asyncio.to_thread(node.start, _definitions("purser"))
    assert await _publish_and_count(node) == 3


async def test_a_running_node_takes_another_vhost(node: RabbitMQ) -> None:
    await asyncio.to_thread(node.import_definitions, _definitions("another"))
    assert await _publish_and_count(node, "another") == 1
