"""`purser rotate`: new keys and passwords, while everything runs."""

import os
import signal
import time
from enum import StrEnum

import psutil
from rich.markup import escape

from .home import HOME, State
from .launcher import console
from .secrets import Secrets, write_private


class What(StrEnum):
    KEYS = "keys"
    PASSWORDS = "passwords"


MADE = {
    What.KEYS: (Secrets.with_new_key, "the key by which the gateway signs"),
    What.PASSWORDS: (Secrets.with_new_passwords, "the passwords of the database roles and the broker's users"),
}


def rotate(what: list[What]) -> int:
    """Make these anew, and let everything run with them."""
    state = State.read(HOME)
    if not state or state.phase != "up" or not HOME.is_supervised():
        console.print("Purser is not up: `make up` first.")
        return 2
    secrets = Secrets.load(HOME.secrets)
    for each in what:
        secrets = MADE[each][0](secrets)
    write_private(HOME.secrets, secrets.model_dump_json(indent=2))
    with console.status("Starting everything anew, beside what runs ..."):
        after = _renewed(state)
    if after is None or after.not_renewed:
        why = after.not_renewed.sentence if after and after.not_renewed else "the supervisor has ended."
        console.print(f"[red]✗[/] {escape(why)}", soft_wrap=True)
        console.print("Nothing has changed. When the cause is gone: purser rotate")
        return 1
    for each in what:
        console.print(f"[green]✓[/] {MADE[each][1]}: the new in use, the old refused")
    if What.PASSWORDS in what:
        console.print(f"\n  other programs' events are now at\n  {after.broker_url}", soft_wrap=True)
    return 0


def _renewed(before: State) -> State | None:
    """Have the supervisor do it; how things stand when it has, None if it is gone."""
    os.kill(before.supervisor, signal.SIGHUP)
    while psutil.pid_exists(before.supervisor):
        state = State.read(HOME)
        if state and state.renewals > before.renewals:
            return state
        time.sleep(0.1)
    return None
