"""A container's secrets are files."""

from pathlib import Path

import pytest

from shared import settings
from shared.settings import MigrationSettings, load

URL = "postgresql+asyncpg://billing:{}@postgres/billing"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "SECRETS", tmp_path)
    return tmp_path / "purser_migration_url"


def test_what_the_environment_does_not_say_a_file_may(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(URL.format("from-a-file") + "\n")
    assert load(MigrationSettings).migration_url == URL.format("from-a-file")
    monkeypatch.setenv("PURSER_MIGRATION_URL", URL.format("said"))
    assert load(MigrationSettings).migration_url == URL.format("said")


def test_a_bad_one_stops_the_start_and_is_not_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("mysql://billing:hush@postgres")
    with pytest.raises(SystemExit):
        load(MigrationSettings)
    said = capsys.readouterr().err
    assert "PURSER_MIGRATION_URL is not right" in said
    assert "hush" not in said
