"""What dies is started again: at once where it had worked, and more and more rarely where it never did."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from deploy.local.home import Home, State
from deploy.local.keeper import Failed, Keeper
from deploy.local.ports import free_port
from deploy.local.processes import MARK
from deploy.local.programs import Program
from tests.eventually import eventually


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[Keeper]:
    home = Home(tmp_path / "home")
    home.make()
    keeper = Keeper(home, State.new())
    yield keeper
    await keeper.stop()


def program(**told: str) -> Program:
    port = free_port()
    return Program("program", "tests.deploy.program", os.environ | {"PURSER_PORT": str(port), **told}, port)


async def test_what_had_worked_is_started_again_at_once_however_often_it_is_killed(keeper: Keeper) -> None:
    await keeper.keep(program())
    running = keeper.state.processes["program"]
    for deaths in range(1, 7):
        assert running.pid is not None
        os.kill(running.pid, signal.SIGKILL)

        async def again(deaths: int = deaths) -> bool:
            return running.deaths == deaths and running.ready_at is not None

        await eventually(again, "it is ready again", seconds=8)


async def test_what_ends_before_it_was_ready_fails_the_start(keeper: Keeper) -> None:
    with pytest.raises(Failed, match="program ended 3 times, last with 3"):
        await keeper.keep(program(PURSER_ENDS="yes"))


async def test_a_program_comes_again_when_the_process_is_killed_that_all_were_forked_from(keeper: Keeper) -> None:
    await keeper.keep(program())
    running = keeper.state.processes["program"]
    former, server = running.pid, keeper.fork_server.pid
    assert former is not None
    assert server is not None
    os.kill(server, signal.SIGKILL)

    async def again() -> bool:
        return running.deaths == 1 and running.ready_at is not None

    await eventually(again, "it is ready again")
    assert not psutil.pid_exists(former)
    assert keeper.fork_server.pid != server


async def test_what_a_program_is_told_cannot_be_seen_in_the_list_of_processes(keeper: Keeper) -> None:
    await keeper.keep(program(PURSER_SECRET="not for everybody"))
    running = psutil.Process(keeper.state.processes["program"].pid)
    assert running.name() == "program"
    assert "not for everybody" not in str(running.environ())
    assert running.environ()[MARK] == str(keeper.home.folder)


async def test_a_successor_is_ready_before_who_runs_is_stopped(keeper: Keeper) -> None:
    await keeper.keep(program())
    former = keeper.state.processes["program"]
    await keeper.succeed([program()])
    running = keeper.state.processes["program"]
    assert running.ready_at is not None
    assert running.pid != former.pid
    assert former.pid is not None
    assert not psutil.pid_exists(former.pid)


async def test_who_runs_goes_on_where_a_successor_does_not_get_ready(keeper: Keeper) -> None:
    await keeper.keep(program())
    former = keeper.state.processes["program"]
    with pytest.raises(ExceptionGroup):
        await keeper.succeed([program(PURSER_ENDS="yes")])
    assert keeper.state.processes["program"] is former
    assert former.pid is not None
    os.kill(former.pid, signal.SIGKILL)

    async def again() -> bool:
        return former.deaths == 1 and former.ready_at is not None

    await eventually(again, "it is kept", seconds=8)
