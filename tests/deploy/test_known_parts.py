"""What is installed is what was locked; and an audit that could not look does not pass for one that found nothing."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy import known_parts
from deploy.known_parts import PYTHON_LOCK, SITES_LOCK, audit_python, audit_sites, list_parts, locked, main
from deploy.local.home import ROOT, Home

Said = Callable[[str, str], None]


def _wheel(folder: Path, content: str) -> Path:
    """Of the package `parcel`, whole by its own record."""
    wheel = folder / "parcel-1.0-py3-none-any.whl"
    files = {
        "parcel.py": content,
        "parcel-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: parcel\nVersion: 1.0\n",
        "parcel-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as packed:
        record = ""
        for name, text in files.items():
            packed.writestr(zipfile.ZipInfo(name), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(text)}\n"
        packed.writestr(zipfile.ZipInfo("parcel-1.0.dist-info/RECORD"), record + "parcel-1.0.dist-info/RECORD,,\n")
    return wheel


def _install(folder: Path) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-index", "--disable-pip-version-check"]
    where = ["--find-links", str(folder), "--target", str(folder / "installed"), "-r", str(folder / "lock")]
    return subprocess.run([*pip, *where], capture_output=True, text=True)


def test_a_package_that_was_tampered_with_is_not_installed(tmp_path: Path) -> None:
    digest = hashlib.sha256(_wheel(tmp_path, "HONEST = True\n").read_bytes()).hexdigest()
    (tmp_path / "lock").write_text(f"parcel==1.0 --hash=sha256:{digest}\n")
    _wheel(tmp_path, "HONEST = None\n")
    refused = _install(tmp_path)
    assert (refused.returncode, "DO NOT MATCH THE HASHES" in refused.stderr) == (1, True)
    assert not (tmp_path / "installed").exists()
    _wheel(tmp_path, "HONEST = True\n")
    assert _install(tmp_path).returncode == 0, "the honest one"


def test_every_locked_package_bears_hashes_and_every_install_demands_them() -> None:
    for lock in (PYTHON_LOCK, *ROOT.glob("deploy/*.lock")):
        for package in re.split(r"\n(?=\S)", lock.read_text().strip()):
            assert "--hash=sha256:" in package, (lock, package)
    packages = json.loads(SITES_LOCK.read_text())["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
    scripts = [file for file in ROOT.glob("deploy/**/*") if file.is_file() and b"pip install" in file.read_bytes()]
    installs = [line for file in scripts for line in file.read_text().splitlines() if "pip install" in line]
    assert len(installs) >= 2
    assert [line for line in installs if "--require-hashes" not in line] == []


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Lets the tools say this."""
    monkeypatch.setattr(known_parts, "HOME", Home(tmp_path))
    (tmp_path / "audit").mkdir()

    def both(python: str, npm: str) -> None:
        for name, said in (("tool", python), ("npm", npm)):
            done = subprocess.CompletedProcess([], 1, said, "no route to host")
            monkeypatch.setattr(known_parts, name, lambda *_, done=done: done)

    return both


def _answers(count: int, **more: Any) -> str:
    return json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": [], **more}] * count})


def test_an_audit_that_could_not_look_fails_and_says_that_nothing_is_known(
    say: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    say("", json.dumps({"message": "405 Method Not Allowed"}))
    assert main(only_list=False) == 2
    said = capsys.readouterr().out
    assert f"NOT AUDITED: the {locked(PYTHON_LOCK)} packages of requirements.lock against PyPI's advisories" in said
    assert f"NOT AUDITED: the {locked(SITES_LOCK)} packages of web/package-lock.json against npm's advisories" in said
    assert "no route to host" in said
    assert "405 Method Not Allowed" in said


def test_a_package_that_nobody_was_asked_about_is_not_audited(say: Said) -> None:
    say(_answers(locked(PYTHON_LOCK) - 1), "")
    with pytest.raises(known_parts.Unknown, match=f"about {locked(PYTHON_LOCK) - 1} of {locked(PYTHON_LOCK)}"):
        audit_python()


def test_what_is_vulnerable_is_named(say: Said) -> None:
    say(_answers(locked(PYTHON_LOCK), vulns=[{"id": "CVE-1"}]), '{"vulnerabilities": {"b": {"severity": "high"}}}')
    assert audit_python()[0] == "a 1: CVE-1"
    assert audit_sites() == ["b: high"]
    say(_answers(locked(PYTHON_LOCK)), '{"vulnerabilities": {}}')
    assert (audit_python(), audit_sites()) == ([], [])


def test_a_list_that_leaves_out_a_package_is_refused(say: Said, tmp_path: Path) -> None:
    say(json.dumps({"components": [{}] * (locked(PYTHON_LOCK) - 1)}), "")
    with pytest.raises(known_parts.Unknown, match=r"requirements\.lock names"):
        list_parts(tmp_path)
