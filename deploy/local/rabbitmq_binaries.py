"""Where RabbitMQ is: the system's, or Debian's packages unpacked into a folder of ours, which needs no root."""

import fcntl
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ERLANG = Path("usr/lib/erlang")
# Not the scripts in /usr/sbin: they change the user and drop the environment.
SBIN = ("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", "usr/lib64/rabbitmq/lib/rabbitmq_server-*/sbin")
BREW = ("opt/homebrew/opt/rabbitmq/sbin", "usr/local/opt/rabbitmq/sbin", "home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin")


class RabbitMQMissing(Exception):
    """There is no RabbitMQ here, and none could be had; the message says what to install."""

    def __init__(self, why: str):
        command = (
            "brew install rabbitmq" if platform.system() == "Darwin" else "apt install rabbitmq-server, or its like"
        )
        super().__init__(f"RabbitMQ is not installed, and {why}. Install it: {command}")


@dataclass(frozen=True)
class Binaries:
    """RabbitMQ's scripts, and what to add to the environment for them to work."""

    sbin: Path
    paths: tuple[Path, ...] = ()
    libraries: tuple[Path, ...] = ()

    def environment(self) -> dict[str, str]:
        """PATH, and LD_LIBRARY_PATH where libraries were unpacked too."""
        known = os.environ.get("PATH", "/usr/bin:/bin")
        path = {"PATH": os.pathsep.join([*map(str, self.paths), known])}
        return path | ({"LD_LIBRARY_PATH": os.pathsep.join(map(str, self.libraries))} if self.libraries else {})


def installed(folder: Path) -> Binaries | None:
    """The system's RabbitMQ, or the one unpacked into `folder` before."""
    for sbin in _matches(Path("/"), *SBIN, *BREW):
        return Binaries(sbin, (sbin, sbin.parents[2] / "bin"))
    for sbin in _matches(folder, *SBIN):
        return Binaries(sbin, (folder / ERLANG / "bin",), tuple((folder / "usr/lib").glob("*-linux-*")))
    return None


def unpack(folder: Path, work: Path) -> Binaries:
    """Download Debian's packages and unpack them into `folder`, which appears only when it is whole."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise RabbitMQMissing("this system has no Debian packages")
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:  # a start and a run of the tests may both want it
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed(folder):
            _unpack(folder, work)
    unpacked = installed(folder)
    assert unpacked, "the packages hold no RabbitMQ"
    return unpacked


def _unpack(folder: Path, work: Path) -> None:
    downloads = work / "rabbitmq"
    draft = folder.with_name(f"{folder.name}.new")
    for fresh in (downloads, draft):
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
    try:
        _download(downloads, work)
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()[-1:]
        raise RabbitMQMissing(f"its packages could not be downloaded ({''.join(said)})") from error
    for package in downloads.glob("*.deb"):
        _run("dpkg", "-x", str(package), str(draft))
    for script in (draft / ERLANG).glob("**/bin/erl"):  # it bears the folder it expects to lie in
        script.write_text(script.read_text().replace("/usr/lib/erlang", str(folder / ERLANG)))
    draft.rename(folder)
    shutil.rmtree(downloads)


def _download(downloads: Path, work: Path) -> None:
    """With the system's lists of packages; with lists of our own where those are missing or too old."""
    for needed in ("cache/archives/partial", "lists/partial"):
        (work / needed).mkdir(parents=True, exist_ok=True)
    shared = ["-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=", "-o", f"Dir::Cache={work / 'cache'}"]
    try:
        _run("apt-get", *shared, "download", *_needed(shared), cwd=downloads)
    except subprocess.CalledProcessError:
        private = [*shared, "-o", f"Dir::State::lists={work / 'lists'}"]
        _run("apt-get", *private, "update")
        _run("apt-get", *private, "download", *_needed(private), cwd=downloads)


def _needed(options: list[str]) -> list[str]:
    """RabbitMQ, all of Erlang (parts of it may be installed, but lie elsewhere), and libraries that are missing."""
    everything = _run(
        "apt-get",
        *options,
        "-o",
        "Dir::State::status=/dev/null",
        "--no-install-recommends",
        "-s",
        "install",
        "rabbitmq-server",
    )
    wanted = [line.split()[1] for line in everything.splitlines() if line.startswith("Inst ")]
    query = _run("dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n")
    present = {line.split()[0] for line in query.splitlines() if line.endswith(" installed")}
    return [
        name
        for name in wanted
        if name == "rabbitmq-server" or name.startswith("erlang-") or (name.startswith("lib") and name not in present)
    ]


def _run(*command: str, cwd: Path | None = None) -> str:
    environment = os.environ | {"LC_ALL": "C"}
    return subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


def _matches(root: Path, *patterns: str) -> Iterator[Path]:
    return (found for pattern in patterns for found in sorted(root.glob(pattern)))
