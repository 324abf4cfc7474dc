"""docker-compose.yml and deploy/Dockerfile agree with the code: the same processes as `make up` has, told the same."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.compose.making import make
from deploy.compose.programs import Composed
from deploy.local.programs import Program
from deploy.local.rabbitmq import PATIENCE
from deploy.local.secrets import Secrets
from deploy.postgres.provision import ProvisionSettings
from deploy.settings_table import PROCESSES
from shared.settings import MigrationSettings, Settings, variable

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROGRAMS = Composed(Secrets.make("USD")).lasting()
SERVERS = {"postgres", "rabbitmq"}
COMMANDS = {"databases", "purser"}
SETTINGS: dict[str, type[Settings]] = {
    **PROCESSES,
    **{f"{name}-migrate": MigrationSettings for name in ("orders", "billing", "support", "gateway")},
    "databases": ProvisionSettings,
}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make secrets` makes."""
    place = tmp_path_factory.mktemp("secrets")
    make(place / "compose", place / ".env")
    return place / "compose"


def test_every_process_of_the_embedded_start_has_a_container_and_no_other_does() -> None:
    assert set(SERVICES) == {program.name for program in PROGRAMS} | SERVERS | COMMANDS


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_it_runs_the_same_module_in_its_own_image(program: Program) -> None:
    service = SERVICES[program.name]
    assert service["command"] == f"python -m {program.module}"
    assert service["build"]["args"]["SERVICE"] == program.name.split("-")[0]
    assert service["image"] == f"purser-{program.name.split('-')[0]}"


@pytest.mark.parametrize("name", SETTINGS)
def test_it_is_told_all_that_it_must_be_told_and_nothing_that_it_does_not_know(name: str, secrets: Path) -> None:
    fields = SETTINGS[name].model_fields
    files = {file.name.upper() for file in (secrets / name).iterdir()}
    told = set(SERVICES[name].get("environment", {}))
    assert files & told == set()
    assert files | told <= {variable(field) for field in fields}
    assert {variable(field) for field, what in fields.items() if what.is_required()} <= files | told


@pytest.mark.parametrize("name", sorted({*SETTINGS, "postgres", "purser"}))
def test_of_the_secrets_it_sees_its_own(name: str) -> None:
    assert [each for each in SERVICES[name]["volumes"] if ".purser" in each] == [
        f"./.purser/compose/{name}:/run/secrets:ro"
    ]


def test_whatever_is_mounted_is_there(secrets: Path) -> None:
    mounted = [each.split(":")[0] for service in SERVICES.values() for each in service.get("volumes", ())]
    for place in (place for place in mounted if place not in COMPOSE["volumes"]):
        made = place.removeprefix("./.purser/compose/")
        assert (secrets / made if made != place else ROOT / place).exists(), place


def test_the_broker_loads_the_committed_definitions_and_then_the_passwords() -> None:
    *mounted, _ = SERVICES["rabbitmq"]["volumes"]
    assert [each.split(":")[1] for each in mounted] == [
        "/etc/rabbitmq/conf.d/20-purser.conf",
        "/etc/rabbitmq/definitions/10-purser.json",
        "/etc/rabbitmq/definitions/20-users.json",
    ]
    settings = (ROOT / "deploy/rabbitmq/rabbitmq.conf").read_text()
    assert "load_definitions = /etc/rabbitmq/definitions\n" in settings
    assert PATIENCE in settings


def test_every_address_is_of_a_container() -> None:
    told = [value for program in PROGRAMS for value in program.environment.values() if "://" in value]
    told += [value for service in SERVICES.values() for value in service.get("environment", {}).values()]
    hosts = {urlsplit(value).hostname for value in map(str, told) if "://" in value}
    assert hosts == {"postgres", "rabbitmq", "orders-api", "billing-api", "support-api"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_it_has_a_limit_and_comes_again_and_ours_can_change_nothing_but_what_they_are_for(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["restart"] == (
        "unless-stopped" if name in PROCESSES or name in SERVERS else "no" if name == "purser" else "on-failure:3"
    )
    if name in SERVERS:
        assert service["healthcheck"]["test"]
    else:
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]


def _stages() -> dict[str, str]:
    """Of the Dockerfile, by name; the last one is nameless."""
    text = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    parts = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    return {(re.findall(r"^\S+ AS (\S+)", part) or [""])[0]: part for part in parts}


def _copied(stage: str) -> set[str]:
    """What of the clone a stage takes over."""
    lines = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", _stages()[stage], flags=re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def test_an_image_holds_shared_and_its_own_service_only() -> None:
    assert _copied("base") == {"deploy/healthy", "shared"}
    for service in ("orders", "billing", "support"):
        assert _copied(service) == {"services/__init__.py", f"services/{service}"}
    assert _copied("gateway") == {"gateway"}
    assert "--from=sites /app/web/dist web/dist" in _stages()["gateway"]
    assert _copied("") == set()


def test_an_image_is_locked_by_hash_and_nobody_in_it_is_root() -> None:
    assert "--require-hashes --requirement /image.lock" in _stages()["packages"]
    assert "npm ci" in _stages()["sites"]
    assert re.search(r"^USER [1-9]\d*$", _stages()[""], flags=re.MULTILINE)
    assert 'CMD ["healthy"]' in _stages()[""]


def test_docker_compose_takes_it_and_without_secrets_says_what_to_do(tmp_path: Path) -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("no docker compose here")

    def config(*secrets: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / ".env").write_text("\n".join(secrets))
        files = ["--file", str(ROOT / "docker-compose.yml"), "--env-file", str(tmp_path / ".env")]
        return subprocess.run(["docker", "compose", *files, "config", "--quiet"], capture_output=True, text=True)

    assert (config("PURSER_SECRETS=made").returncode, config("PURSER_SECRETS=made").stderr) == (0, "")
    refused = config()
    assert refused.returncode != 0
    assert 'there are no secrets yet, run "make secrets" first' in refused.stderr
    assert refused.stderr.count("\n") == 1
