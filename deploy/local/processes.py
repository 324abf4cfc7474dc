"""Finding and ending what we started, whatever became of the one who started it.

Everything we start bears PURSER_HOME, so a sweep finds what a kill -9 has left, and nothing of another checkout.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import psutil

MARK = "PURSER_HOME"


def started_for(folder: Path) -> list[psutil.Process]:
    """Every other running process that was started for this folder, or for one inside it."""
    own = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in own and _belongs(process, folder)]


def end(processes: Iterable[psutil.Process], patience: float = 10) -> None:
    """Ask the processes to stop, and kill those that have not after `patience` seconds."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, deaf = psutil.wait_procs(asked, timeout=patience)
    kill(deaf)


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill the processes and wait until they are gone."""
    doomed = list(processes)
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(doomed, timeout=10)


def _belongs(process: psutil.Process, folder: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if (home := process.environ().get(MARK)) and Path(home).is_relative_to(folder):
            return True
        # PostgreSQL's children write their title over their environment, but live in the data folder.
        return process.name() == "postgres" and Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False
