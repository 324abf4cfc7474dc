"""Copies of all databases at once, and going back to a moment; by PostgreSQL's own tools, told where this shop is.

A backup is a folder of its own: `base` is the server's data, `wal` what it wrote since, `secrets.json` what it needs.
"""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from .home import Home
from .postgres import ADMIN, BINARIES, Postgres, PostgresFailed, own
from .secrets import Secrets, write_private

RECOVERY_SECONDS = 3600
NOT_SO_FAR = "recovery ended before configured recovery target was reached"


class BackupFailed(Exception):
    """What went wrong, as a sentence."""


class Backup:
    """One, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.base, self.wal, self.secrets = folder / "base", folder / "wal", folder / "secrets.json"

    def take(self, port: int, secrets: Secrets) -> None:
        """Copy the data of the server on this port, checked against its list of sums."""
        login = _login(port, secrets)
        _run("pg_basebackup", "--checkpoint=fast", f"--pgdata={self.base}", environment=login)
        _run("pg_verifybackup", "--quiet", str(self.base), environment=login)
        write_private(self.secrets, secrets.model_dump_json(indent=2))

    @contextmanager
    def following(self, port: int, secrets: Secrets) -> Iterator["subprocess.Popen[bytes]"]:
        """Write down all that the server writes, from now on; begin it before `take`."""
        self.wal.mkdir()
        command = [str(BINARIES / "pg_receivewal"), "--synchronous", f"--directory={self.wal}"]
        process = subprocess.Popen(command, env=_login(port, secrets))
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()

    def restore(self, home: Home, port: int, to: datetime | None) -> datetime | None:
        """Put it in the place of the data that are there, which are kept aside, as it was then (else as it was at its
        end); gives when the last was committed of what is there now, if that is known."""
        if not (self.base / "PG_VERSION").exists():
            raise BackupFailed(f"{self.base.parent} is no backup: `purser backup` makes one.")
        if to and not self.wal.exists():
            raise BackupFailed("This backup knows one moment only: it was made without --keep.")
        aside = home.data / f"before-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        with _set_aside([home.data / "postgres", home.data / "rabbitmq", home.secrets], aside):
            shutil.copyfile(self.secrets, home.secrets)
            home.secrets.chmod(0o600)
            return self._recover(home, port, to)

    def _recover(self, home: Home, port: int, to: datetime | None) -> datetime | None:
        folder = home.data / "postgres"
        shutil.copytree(self.base, folder / "data")
        (folder / "data").chmod(0o700)
        # What a server that had gone back wrote afterwards is no part of it.
        settings = ["recovery_target_timeline=current"]
        if self.wal.exists():
            (folder / "data" / "recovery.signal").touch()
            wal = shlex.quote(str(self.wal.resolve())).replace("%", "%%")
            # The last segment is not yet whole.
            settings.append(f"restore_command=cp {wal}/%f %p 2>/dev/null || cp {wal}/%f.partial %p 2>/dev/null")
        if to:
            settings += [f"recovery_target_time={to.isoformat()}", "recovery_target_action=promote"]
        own(folder)
        log = home.log("restore")
        log.unlink(missing_ok=True)
        server = Postgres(folder, port, Secrets.load(home.secrets).database_admin, log=log)
        try:
            server.start(*settings)
            return asyncio.run(_recovered(server))
        except PostgresFailed as error:
            why = f" Nothing was written after {to}: leave --to out." if NOT_SO_FAR in log.read_text() else ""
            raise BackupFailed(f"PostgreSQL did not recover ({error}); {log} says why.{why}") from error
        finally:
            server.stop()


async def _recovered(server: Postgres) -> datetime | None:
    """Wait until it takes writes; gives the moment of the last commit that it has recovered."""
    last: datetime | None = None
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = await asyncpg.connect(server.admin_url)
        except (OSError, asyncpg.PostgresError):
            if not server.alive():
                raise PostgresFailed("it ended") from None
            await asyncio.sleep(0.1)
            continue
        try:
            last = await connection.fetchval("SELECT pg_last_xact_replay_timestamp()") or last
            if not await connection.fetchval("SELECT pg_is_in_recovery()"):
                return last
        finally:
            await connection.close()
        await asyncio.sleep(0.1)
    raise PostgresFailed(f"it did not end within {RECOVERY_SECONDS} s")


@contextmanager
def _set_aside(places: list[Path], aside: Path) -> Iterator[None]:
    """Move what is there out of the way; back again, if it goes wrong."""
    aside.mkdir(mode=0o700)
    moved = [place for place in places if place.exists()]
    for place in moved:
        place.rename(aside / place.name)
    try:
        yield
    except BaseException:
        for place in places:
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        for place in moved:
            (aside / place.name).rename(place)
        aside.rmdir()
        raise


def _login(port: int, secrets: Secrets) -> dict[str, str]:
    known = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": ADMIN, "PGPASSWORD": secrets.database_admin}
    return {"PATH": os.environ["PATH"], **known}


def _run(tool: str, *arguments: str, environment: dict[str, str]) -> None:
    done = subprocess.run([BINARIES / tool, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise BackupFailed(f"{tool}: {done.stderr.strip()}")
