"""Where our programs begin: what all of them import is imported here once, and each is forked off with it.

So they share that memory, and are there in the time of a fork rather than of an import. Asked by `forking.py`.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
from contextlib import suppress
from pathlib import Path

# Nothing here may start a thread, or look at its settings, as it is imported.
COMMON = (
    "pydantic.v1",  # FastAPI does, when it is given its first route
    "sqlalchemy.dialects.postgresql.asyncpg",
    "uvloop",
    "shared.serving",
    "shared.telemetry",
    "shared.web",
    "shared.worker",
)
# Longer than any order is.
MOST_BYTES = 65_536


def main() -> None:
    """Fork until nobody can order any more, which ends this process and no program."""
    for name in COMMON:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what the collector never looks through it never writes to, and so it stays shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as orders:
        module = _serve(orders)
    if module:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _serve(orders: socket.socket) -> str | None:
    """Fork at each order; give the ordered module in the child, None in the parent at the end."""
    lives: dict[int, socket.socket] = {}
    signal.signal(signal.SIGCHLD, lambda *_: _tell_who_ended(lives))
    while True:
        said, handles, *_ = socket.recv_fds(orders, MOST_BYTES, 3)
        if not said:
            return None
        life = socket.socket(fileno=handles.pop(0))
        # Nobody's end is told before its beginning.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        if not (pid := os.fork()):
            break
        lives[pid] = life
        _tell_beginning(pid, life)
        for handle in handles:
            os.close(handle)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    # Whoever holds the other ends is to see that they close when the fork server dies.
    for each in (life, *lives.values()):
        each.close()
    return _become(*handles, **json.loads(said))


def _tell_beginning(pid: int, life: socket.socket) -> None:
    try:
        life.sendall(b"%d\n" % pid)
    except OSError:  # who ordered it has gone meanwhile
        os.kill(pid, signal.SIGKILL)


def _tell_who_ended(lives: dict[int, socket.socket]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with lives.pop(ended[0]) as life, suppress(OSError):
                life.sendall(b"%d\n" % os.waitstatus_to_exitcode(ended[1]))


def _become(log: int, door: int | None = None, *, name: str, module: str, environment: dict[str, str]) -> str:
    """Be as a process that was started for this program alone; give its module."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(here, there)
    os.close(nothing)
    os.close(log)
    os.environ.clear()
    os.environ.update(environment)
    if door is not None:
        os.environ["PURSER_LISTEN_FD"] = str(door)
    with suppress(OSError):  # what `top` and `pgrep` show, where there is such a file
        Path("/proc/self/comm").write_text(name)
    return module


if __name__ == "__main__":
    main()
