"""Settings: one table of them all, and no process that starts with one that is missing, bad or unknown."""

import re
import runpy
import warnings
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local.home import ROOT
from deploy.local.programs import LASTING, SERVER_PORTS, Program, Programs
from deploy.local.secrets import Secrets
from deploy.settings import UpSettings
from deploy.settings_table import PROCESSES, PROGRAMS, table
from shared.settings import MARKS, Settings, load, variable

KINDS = list({**PROCESSES, **PROGRAMS}.values())
NAMES = {variable(field) for kind in KINDS for field in kind.model_fields}
# Of tests, of this repository's own tools, of docker compose, and of a subscriber that is an example.
OTHERS = {
    "PURSER_BROWSER",
    "PURSER_FUZZ_SECONDS",
    "PURSER_ADDRESS",
    "PURSER_AMQP_URL",
    "PURSER_SECRETS",
    "PURSER_TEST_BROKER_URL",
    "PURSER_TEST_DATABASES",
    "PURSER_TEST_POSTGRES_URL",
    "PURSER_TEST_SECRETS",
    "PURSER_TEST_URL",
}


def everything() -> list[Program]:
    """What `make up` starts, and what it tells each."""
    secrets = Secrets.make("USD")
    programs = Programs(dict.fromkeys((*SERVER_PORTS, *LASTING), 1), secrets)
    return [
        *programs.migrations(),
        *programs.apis(),
        *programs.workers(),
        *programs.gateways(),
        programs.logins(),
        programs.demonstration(),
    ]


EVERYTHING = {program.name: program for program in everything()}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without what the machine has set."""
    for name in {*NAMES, *MARKS, *OTHERS}:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def start(module: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'.*' found in sys.modules", RuntimeWarning)
        runpy.run_module(module, run_name="__main__")


def told(environment: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        environment.setenv(name, value)


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_process_that_is_told_what_it_cannot_be_says_each_thing_and_does_not_start(
    name: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = EVERYTHING[name]
    needed = next(name for name in program.environment if name.endswith("_URL"))
    told(environment, {**program.environment, "PURSER_LOG_FORMT": "text", "PURSER_X": "1", "PURSER_LOG_LEVEL": "loud"})
    environment.delenv(needed)
    with pytest.raises(SystemExit) as ended:
        start(program.module)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "PURSER_LOG_FORMT is no setting of this process: did you mean PURSER_LOG_FORMAT?" in said
    assert re.search("PURSER_X is no setting of this process: it has .*PURSER_LOG_LEVEL", said)
    assert "PURSER_LOG_LEVEL is not right ('loud'). It must be debug or info or warning or error:" in said
    assert re.search(f"{needed} is missing. It must be (postgresql|http)", said)
    assert len(said.splitlines()) == 5


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name in PROCESSES])
def test_a_process_takes_what_make_up_tells_it(name: str, environment: pytest.MonkeyPatch) -> None:
    told(environment, EVERYTHING[name].environment)
    load(PROCESSES[name])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_secret_is_in_no_complaint(
    kind: type[Settings], environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = [name for name, field in kind.model_fields.items() if not field.repr]
    told(environment, {variable(name): "correct horse" for name in kind.model_fields})
    with pytest.raises(SystemExit):
        load(kind, among_others=True)
    for line in capsys.readouterr().err.splitlines():
        assert ("correct horse" in line) == (
            "is not right" in line and not line.startswith(tuple(map(variable, secret)))
        )


def test_settings_that_are_printed_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    secrets = {"gateway": "PURSER_CALLER_PRIVATE_KEY", "billing-worker": "PURSER_BROKER_URL"}
    for name, secret in secrets.items():
        told(environment, EVERYTHING[name].environment)
        assert EVERYTHING[name].environment[secret] not in repr(load(PROCESSES[name]))
        for each in NAMES:
            environment.delenv(each, raising=False)


def test_an_empty_setting_is_none(environment: pytest.MonkeyPatch) -> None:
    told(environment, {**EVERYTHING["billing-api"].environment, "PURSER_APPROVAL_DAYS": ""})
    assert load(PROCESSES["billing-api"]).approval_days == 7  # type: ignore[attr-defined]


def test_a_command_in_a_shell_minds_its_own_settings_only(environment: pytest.MonkeyPatch) -> None:
    told(environment, {"PURSER_DATABASE_URL": "postgresql+asyncpg://u:p@h/d", "PURSER_PORT": "8000"})
    load(PROGRAMS["`purser import`"], among_others=True)


def test_the_committed_table_is_what_the_code_says() -> None:
    assert (ROOT / "docs/settings.md").read_text() == table(), "run `make contracts`"


def test_every_kind_of_settings_is_in_the_table() -> None:
    def leaves(kind: type[Settings]) -> set[type[Settings]]:
        below = kind.__subclasses__()
        return set().union(*map(leaves, below)) if below else {kind}

    assert leaves(Settings) <= set(KINDS)
    assert all(field.description for kind in KINDS for field in kind.model_fields.values())


def test_what_is_written_anywhere_about_a_setting_is_about_one_that_is_there() -> None:
    written = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "Makefile", *ROOT.glob("deploy/**/*.*")]
    named: dict[str, list[Path]] = {}
    for path in (path for path in written if path.is_file() and path.suffix != ".pyc"):
        for name in re.findall(r"\bPURSER_[A-Z_]*[A-Z]\b", path.read_text()):
            named.setdefault(name, []).append(path)
    assert {name: paths for name, paths in named.items() if name not in NAMES | MARKS | OTHERS} == {}


def test_whoever_says_nothing_can_make_up(environment: pytest.MonkeyPatch) -> None:
    assert load(UpSettings, among_others=True).currency == ""
