"""`purser backup` and `purser restore`, for the shop of this checkout."""

import json
import signal
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from . import ports
from .backup import Backup, BackupFailed
from .home import HOME
from .secrets import Secrets


def backup(
    folder: Annotated[Path, typer.Argument(help="in which it gets a folder of its own; best on another disk")],
    keep: Annotated[bool, typer.Option(help="then go on, and write down all that happens, until interrupted")] = False,
) -> None:
    """Copy all databases, as they are at one moment, while the shop goes on."""
    if not HOME.is_supervised():
        sys.exit("The shop is not up: `make up` first.")
    port, secrets = json.loads(HOME.ports.read_text())["postgres"], Secrets.load(HOME.secrets)
    made = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    made.mkdir(mode=0o700, parents=True)
    with ExitStack() as stack:
        following = stack.enter_context(Backup(made).following(port, secrets)) if keep else None
        try:
            Backup(made).take(port, secrets)
        except BackupFailed as failed:
            sys.exit(str(failed))
        print(f"The databases and the secrets are in {made}.", flush=True)
        if following:
            print("Writing down what happens from now on, until interrupted.", flush=True)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: following.send_signal(signal.SIGINT))
            if following.wait():
                sys.exit("It has ended: begin another backup, or what happens from now on is in none.")


def restore(
    backup: Annotated[Path, typer.Argument(help="the folder of one backup")],
    to: Annotated[str, typer.Option(help="a moment, such as '2026-11-24 15:00:00+00:00'; without it, the end")] = "",
) -> None:
    """Make the databases what they were. What is there now is kept aside."""
    try:
        moment = datetime.fromisoformat(to).astimezone(UTC) if to else None
    except ValueError:
        sys.exit(f"{to} is no moment: it is told like 2026-11-24 15:00:00+00:00.")
    with HOME.supervised() as alone:
        if not alone:
            sys.exit("The shop is up: `make down` first.")
        try:
            last = Backup(backup).restore(HOME, ports.free_port(), moment)
        except BackupFailed as failed:
            sys.exit(str(failed))
    print(f"The databases are as they were{f' at {last:%Y-%m-%d %H:%M:%S.%f} UTC' if last else ' in the backup'}.")
    print(f"What was there is in {HOME.data}/before-*. The broker begins empty.")
    print("Now: make up, and what docs/operations.md says under 'After going back'.")
