"""`make secrets`: made once, for each container what is its own, and in nobody else's hands."""

import json
import stat
from pathlib import Path

import pytest

from deploy.compose.making import make


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "compose"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_made_once_they_stay(folder: Path, environment: Path) -> None:
    assert "✓ billing-api: purser_database_url, purser_caller_public_keys, purser_currency" in make(folder, environment)
    first = _files(folder), environment.read_text()
    assert make(folder, environment) == []
    assert (_files(folder), environment.read_text()) == first


def test_what_was_lost_is_made_again_from_what_the_rest_came_from(folder: Path, environment: Path) -> None:
    make(folder, environment)
    first = _files(folder)
    (folder / "rabbitmq/users.json").unlink()
    (folder / "gateway/purser_broker_url").unlink()
    assert make(folder, environment) == ["✓ rabbitmq: users.json", "✓ gateway: purser_broker_url"]
    assert _files(folder) == first


def test_nobody_else_on_this_machine_can_come_near_them(folder: Path, environment: Path) -> None:
    make(folder, environment)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o600
    # Whatever user a container runs as, it must read its own.
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.glob("*/*")} == {0o644}


def test_a_changed_password_reaches_those_who_use_it_and_docker_compose_sees_it(
    folder: Path, environment: Path
) -> None:
    make(folder, environment)
    environment.write_text(f"PURSER_PORT=9000\n{environment.read_text()}")
    before = environment.read_text()
    secrets = json.loads((folder / "secrets").read_text())
    secrets["broker"]["billing"] = "another"
    (folder / "secrets").write_text(json.dumps(secrets))
    said = make(folder, environment)
    assert said[:3] == [
        "✓ rabbitmq: users.json",
        "✓ billing-worker: purser_broker_url",
        "✓ purser: secrets.json",
    ]
    after = environment.read_text()
    assert after != before
    assert after.startswith("PURSER_PORT=9000\nPURSER_SECRETS=")
    assert after.count("PURSER_SECRETS") == 1


def test_the_broker_is_given_hashes_and_no_service_anothers_password(folder: Path, environment: Path) -> None:
    make(folder, environment)
    secrets = json.loads((folder / "secrets").read_text())
    passwords = {*secrets["broker"].values(), *secrets["databases"].values(), secrets["database_admin"]}
    inside = {
        container: {each for each in passwords for file in (folder / container).glob("*") if each in file.read_text()}
        for container in ("rabbitmq", "billing-worker", "gateway-migrate")
    }
    assert inside == {
        "rabbitmq": set(),
        "billing-worker": {secrets["broker"]["billing"], secrets["databases"]["billing"]},
        "gateway-migrate": {secrets["databases"]["gateway_owner"]},
    }


def test_the_shops_money_is_that_of_its_first_day(folder: Path, environment: Path) -> None:
    make(folder, environment, "GBP")
    assert (folder / "billing-api/purser_currency").read_text() == "GBP"
    make(folder, environment, "GBP")
    with pytest.raises(SystemExit, match="GBP since its first day, not EUR"):
        make(folder, environment, "EUR")
