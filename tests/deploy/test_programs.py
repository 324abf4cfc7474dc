"""Each program is told what it needs, and no more."""

from pathlib import Path

import pytest

from deploy.local.programs import LASTING, SERVER_PORTS, Programs
from deploy.local.secrets import Secrets


def test_only_billing_hears_how_much_may_be_withdrawn_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURSER_WITHDRAWAL_LIMIT_MINOR", "5")
    monkeypatch.delenv("PURSER_APPROVAL_DAYS", raising=False)
    ports = dict.fromkeys((*SERVER_PORTS, *LASTING), 1)
    programs = Programs(ports, Secrets.load(tmp_path / "secrets"))
    every = [
        *programs.migrations(),
        *programs.apis(),
        *programs.workers(),
        *programs.gateways(),
        programs.demonstration(),
    ]
    told = {
        program.name: {key: value for key, value in program.environment.items() if "WITHDRAWAL" in key or "DAYS" in key}
        for program in every
    }
    assert {name: rule for name, rule in told.items() if rule} == {
        "billing-api": {"PURSER_WITHDRAWAL_LIMIT_MINOR": "5"}
    }
