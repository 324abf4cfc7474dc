"""What Purser is made of, listed from the locks as CycloneDX; and whether any of it is known to be vulnerable.

`python -m deploy.known_parts`, or with `sbom` for the list alone. Ends with 1 where something is known to be
vulnerable, with 2 where it could not be listed or looked up: to know of nothing and to have asked nobody are two
things.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .local.home import HOME, ROOT

PYTHON_LOCK, SITES_LOCK = ROOT / "requirements.lock", ROOT / "web" / "package-lock.json"
TOOLS_LOCK = ROOT / "deploy" / "audit.lock"


class Unknown(Exception):
    """What could not be listed or looked up, and why."""


def locked(lock: Path) -> int:
    """How many packages a lock names."""
    if lock.suffix == ".json":
        return len(json.loads(lock.read_text())["packages"]) - 1
    return len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the tools of audit.lock, which are in an environment of their own."""
    home = HOME.folder / "audit"
    stamp = home / "stamp"
    if not stamp.exists() or stamp.read_text() != TOOLS_LOCK.read_text():
        own = ["install", "-qq", "--disable-pip-version-check", "--require-hashes", "--upgrade", "--target", str(home)]
        if subprocess.run([sys.executable, "-m", "pip", *own, "-r", str(TOOLS_LOCK)], cwd=ROOT).returncode:
            raise Unknown("The tools of deploy/audit.lock could not be installed; pip says why above.")
        stamp.write_text(TOOLS_LOCK.read_text())
    command, environment = [sys.executable, "-m", name, *arguments], {**os.environ, "PYTHONPATH": str(home)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "deploy" / "npm", *arguments], cwd=ROOT, capture_output=True, text=True)


def list_parts(folder: Path) -> None:
    """Write python.cdx.json and sites.cdx.json; raises `Unknown` unless each lists all that its lock names."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = {
        PYTHON_LOCK: tool("cyclonedx_py", "requirements", "--output-reproducible", str(PYTHON_LOCK)),
        SITES_LOCK: npm("sbom", "--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"),
    }
    for (lock, done), name in zip(listed.items(), ("python", "sites"), strict=True):
        parts = len(_read(done.stdout).get("components", []))
        if parts != locked(lock):
            raise Unknown(f"{lock.name} names {locked(lock)} packages, {parts} could be listed.\n{done.stderr}")
        (folder / f"{name}.cdx.json").write_text(done.stdout)
        print(f"✓ {folder / name}.cdx.json lists the {parts} packages of {lock.relative_to(ROOT)}")


def audit_python() -> list[str]:
    """Asks PyPI about each package, also those for other platforms; gives what is vulnerable."""
    plain = HOME.folder / "audit" / "requirements.txt"
    plain.write_text(re.sub(r" ; [^\\\n]*(?= \\)", "", PYTHON_LOCK.read_text()))
    options = ("--strict", "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")
    done = tool("pip_audit", *options, f"--cache-dir={plain.parent / 'cache'}", "--requirement", str(plain))
    answers = _read(done.stdout).get("dependencies", [])
    asked = [each for each in answers if "vulns" in each]
    if len(asked) != locked(PYTHON_LOCK):
        raise Unknown(f"PyPI answered about {len(asked)} of {locked(PYTHON_LOCK)}.\n{done.stderr}")
    return [f"{each['name']} {each['version']}: {_ids(each['vulns'])}" for each in asked if each["vulns"]]


def _ids(vulnerabilities: list[dict[str, Any]]) -> str:
    return ", ".join(each["id"] for each in vulnerabilities)


def audit_sites() -> list[str]:
    """Asks npm about each package; gives what is vulnerable."""
    done = npm("audit", "--package-lock-only", "--json")
    answer = _read(done.stdout)
    if "vulnerabilities" not in answer:
        raise Unknown(f"It says:\n{answer.get('message', done.stderr)}")
    return [f"{name}: {each['severity']}" for name, each in answer["vulnerabilities"].items()]


def _read(said: str) -> dict[str, Any]:
    try:
        return dict(json.loads(said))
    except ValueError:
        return {}


AUDITS: dict[str, tuple[Path, Callable[[], list[str]]]] = {
    "PyPI's advisories": (PYTHON_LOCK, audit_python),
    "npm's advisories": (SITES_LOCK, audit_sites),
}


def main(only_list: bool) -> int:
    """Everything is tried, whatever the first has said."""
    code = 0
    try:
        list_parts(HOME.folder / "sbom")
    except Unknown as why:
        print(f"✗ NOT LISTED: {why}")
        code = 2
    for source, (lock, audit) in {} if only_list else AUDITS.items():
        what = f"the {locked(lock)} packages of {lock.relative_to(ROOT)} against {source}"
        try:
            vulnerable = audit()
        except Unknown as why:
            print(f"✗ NOT AUDITED: {what}. Nothing is known of them. {why}")
            code = 2
        else:
            print(f"{'✗' if vulnerable else '✓'} audited {what}: {len(vulnerable) or 'none'} known to be vulnerable")
            print(*(f"    {each}" for each in vulnerable), sep="\n", end="\n" if vulnerable else "")
            code = code or int(bool(vulnerable))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["sbom"]))
