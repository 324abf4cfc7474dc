"""Where a test lets a process die: at every step of a payment and of a refund. In production nobody does.

A test names a folder in PURSER_FAILPOINTS, and arms a point by a file in it: `STEP:SUBJECT`, such as
`before_commit:billing.order_paid.v1`. The process that comes there renames the file to `...:hit by PID`, which it alone
can, and kills itself.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# How far into a wait for an answer `during` strikes: what was sent has left, and the answer is hardly here.
INTO_SECONDS = 0.001


@cache
def _folder() -> str | None:
    return os.environ.get("PURSER_FAILPOINTS")


def hit(step: str, *subjects: str) -> None:
    """Die here, if this step is armed for one of the subjects."""
    if (folder := _folder()) is None:
        return
    for subject in subjects:
        armed = os.path.join(folder, f"{step}:{subject}")
        try:
            os.rename(armed, f"{armed}:hit by {os.getpid()}")
        except FileNotFoundError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def during(step: str, subject: str) -> Iterator[None]:
    """Die inside this block, unless what it waits for has come by then."""
    if _folder() is None:
        yield
        return
    dying = asyncio.get_running_loop().call_later(INTO_SECONDS, hit, step, subject)
    try:
        yield
    finally:
        dying.cancel()
