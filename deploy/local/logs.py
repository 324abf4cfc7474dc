"""make logs: follow the logs of all processes, or of one."""

import time
from pathlib import Path
from typing import TextIO

from .home import HOME

LINES_BEFORE = 10


def follow(process: str | None = None) -> int:
    """Print the end of the logs and whatever is added to them, until interrupted."""
    open_logs: dict[Path, TextIO] = {}
    if process and not HOME.log(process).exists():
        known = ", ".join(sorted(log.stem for log in HOME.logs.glob("*.log")))
        print(f"There is no log of {process}. There are: {known or 'none yet'}")
        return 2
    try:
        while True:
            logs = [HOME.log(process)] if process else sorted(HOME.logs.glob("*.log"))
            for log in logs:
                if log not in open_logs:
                    open_logs[log] = _open_near_end(log)
            news = [_print_news(log.stem, source) for log, source in open_logs.items()]
            if not any(news):
                time.sleep(0.3)
    except KeyboardInterrupt:
        return 0


def _open_near_end(log: Path) -> TextIO:
    source = log.open(errors="replace")
    source.seek(max(0, log.stat().st_size - LINES_BEFORE * 200))
    if source.tell():
        source.readline()  # most likely the rest of one
    return source


def _print_news(name: str, source: TextIO) -> bool:
    """Print what has been added; a log that was rotated is read from its beginning."""
    if Path(source.name).stat().st_size < source.tell():
        source.seek(0)
    lines = list(iter(source.readline, ""))
    for line in lines:
        print(f"{name:>14} | {line}", end="" if line.endswith("\n") else "\n", flush=True)
    return bool(lines)
