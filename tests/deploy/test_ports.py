"""Choosing ports."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local.ports import assign, first_free, free_port, is_free


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def taken_port(request: pytest.FixtureRequest) -> Iterator[int]:
    port = free_port()
    with socket.create_server((request.param, port)):
        yield port


def test_a_port_is_taken_when_somebody_listens_on_loopback_or_on_all_addresses(taken_port: int) -> None:
    assert not is_free(taken_port)


def test_the_next_free_port_is_taken_for_one_in_use(taken_port: int) -> None:
    assert first_free(taken_port) > taken_port


def test_each_name_keeps_its_port_from_start_to_start() -> None:
    first = assign(["api", "worker"], {})
    assert assign(["api", "worker"], first) == first
    assert first["api"] != first["worker"]


def test_a_port_that_somebody_else_took_meanwhile_is_replaced_and_the_others_stay(taken_port: int) -> None:
    worker = free_port([taken_port])
    ports = assign(["api", "worker"], {"api": taken_port, "worker": worker})
    assert ports["worker"] == worker
    assert ports["api"] not in (taken_port, worker)
