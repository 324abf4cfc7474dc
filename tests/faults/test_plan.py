"""A seed is a plan: what it breaks, and when, depends on nothing else."""

import pytest

from tests.faults import plan
from tests.faults.__main__ import read_options
from tests.faults.plan import draw
from tests.faults.points import POINTS


def test_a_seed_is_a_plan() -> None:
    assert draw(7, 90) == draw(7, 90) != draw(8, 90)


def test_in_two_minutes_each_kind_of_fault_comes() -> None:
    for seed in range(20):
        assert len({strike.fault.name for strike in draw(seed, 120)}) == 15


def test_another_failpoint_changes_nothing_about_the_other_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    def besides_failpoints() -> list[plan.Strike]:
        return [strike for strike in draw(7, 90) if strike.fault.name != "failpoint"]

    before = besides_failpoints()
    monkeypatch.setattr(plan, "POINTS", POINTS[:-1])
    assert besides_failpoints() == before


def test_a_run_that_would_break_nothing_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["faults", "--for", "3s", "--seed", "1", "--only", "broker"])
    with pytest.raises(SystemExit, match="2"):
        read_options()
    assert "nothing would be broken by seed 1" in capsys.readouterr().err
