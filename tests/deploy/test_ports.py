"""Choosing ports."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.home import ROOT
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
    assigned = assign(["api", "worker"], {"api": taken_port, "worker": worker})
    assert assigned["worker"] == worker
    assert assigned["api"] not in (taken_port, worker)


def test_a_port_is_chosen_once_here_and_elsewhere_though_nobody_listens_on_it_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = free_port()
    monkeypatch.setattr(ports, "PRIVATE", range(chosen, chosen + 1))
    with pytest.raises(StopIteration):
        free_port()
    choose = f"from deploy.local import ports; ports.PRIVATE = range({chosen}, {chosen + 1}); ports.free_port()"
    elsewhere = subprocess.run([sys.executable, "-c", choose], cwd=ROOT, capture_output=True, text=True)
    assert "StopIteration" in elsewhere.stderr
    assert is_free(chosen)
