"""Where everything of this checkout lies, and what the supervisor tells the launcher through it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from .secrets import write_private

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """The one ignored folder."""

    folder: Path

    @property
    def logs(self) -> Path:
        """One log for each process."""
        return self.folder / "logs"

    @property
    def data(self) -> Path:
        """What the servers keep."""
        return self.folder / "data"

    @property
    def run(self) -> Path:
        """The state of what runs."""
        return self.folder / "run"

    @property
    def secrets(self) -> Path:
        """Passwords and keys."""
        return self.folder / "secrets"

    @property
    def ports(self) -> Path:
        """The ports of the last start."""
        return self.folder / "ports.json"

    def log(self, process: str) -> Path:
        """The log of this process."""
        return self.logs / f"{process}.log"

    def make(self) -> None:
        """Make the folders that are missing; others on the machine have no business in them."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for needed in (self.logs, self.data, self.run):
            needed.mkdir(exist_ok=True)

    def is_supervised(self) -> bool:
        """Whether a supervisor runs."""
        with self.supervised() as alone:
            return not alone

    @contextlib.contextmanager
    def supervised(self) -> Iterator[bool]:
        """Whether we are the only supervisor, for as long as the context lasts."""
        self.make()
        with (self.run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


HOME = Home(ROOT / ".purser")


class Step(BaseModel):
    """A step of the start; `seconds` once it is done."""

    name: str
    began: float
    seconds: float | None = None
    detail: str = ""


class Running(BaseModel):
    """A process that is kept running; no `pid` while it waits to be started again, no `ready_at` until it says that it
    is ready for the first time since."""

    pid: int | None = None
    since: float = 0
    port: int | None = None
    ready_at: float | None = None
    deaths: int = 0
    last_exit: int | None = None


class Failure(BaseModel):
    """Why the start was given up, and whose log says more, if one does."""

    process: str | None
    sentence: str


class State(BaseModel):
    """How the system stands, as its supervisor last wrote it; `not_renewed` says why the last renewal was given up."""

    supervisor: int
    phase: Literal["starting", "up", "stopping", "failed", "down"] = "starting"
    began: float
    url: str = ""
    broker_url: str = ""
    notes: list[str] = []
    steps: list[Step] = []
    processes: dict[str, Running] = {}
    failure: Failure | None = None
    renewals: int = 0
    not_renewed: Failure | None = None

    @classmethod
    def read(cls, home: Home) -> "State | None":
        """What was last written, if anything ever was."""
        try:
            return cls.model_validate_json((home.run / "state.json").read_text())
        except FileNotFoundError:
            return None

    @classmethod
    def new(cls) -> "State":
        """The state of a system whose supervisor has just begun."""
        return cls(supervisor=os.getpid(), began=time.time())

    def write(self, home: Home) -> None:
        """Replace what was written before, as one step."""
        write_private(home.run / "state.json", self.model_dump_json(indent=1))
