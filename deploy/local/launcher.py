"""make up, down, reset and status: start the supervisor, show what it says, stop it."""

import os
import shutil
import subprocess
import sys
import time

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.settings import UpSettings
from shared.settings import load

from .home import HOME, ROOT, Running, State
from .keeper import ask_readiness
from .processes import MARK, end, started_for
from .secrets import LOGINS, Secrets

console = Console(highlight=False)


def up() -> int:
    """Start the system, or follow a start that is under way, and return when it serves."""
    state = State.read(HOME)
    if HOME.is_supervised() and state and state.phase == "up":
        console.print(f"Purser is up already: {state.url}")
        _show_logins(state)
        return 0
    if complaint := _complaint(load(UpSettings, among_others=True)):
        console.print(complaint)
        return 2
    try:
        return _follow(_launch())
    except KeyboardInterrupt:
        console.print("\nInterrupted: stopping what was started ...")
        _stop()
        console.print("Stopped. Nothing is left running; the data stays.")
        return 130


def _complaint(wanted: UpSettings) -> str:
    """What of the settings does not suit this shop, if anything."""
    if wanted.currency and HOME.secrets.exists() and (kept := Secrets.load(HOME.secrets).currency) != wanted.currency:
        return (
            f"This shop's money is {kept} since its first start, not {wanted.currency}; "
            "`make reset` begins another shop."
        )
    return ""


def down() -> int:
    """Stop everything that was started for this checkout."""
    if not started_for(HOME.folder):
        console.print("Purser is not running.")
        return 0
    with console.status("Stopping ..."):
        _stop()
    console.print("Purser is down; nothing is left running. The data stays.")
    return 0


def reset() -> int:
    """Stop everything and forget the data and the secrets."""
    console.print("Stopping Purser and forgetting all its data, logs, passwords and keys ...")
    _stop()
    for forgotten in (HOME.data, HOME.run, HOME.logs):
        shutil.rmtree(forgotten, ignore_errors=True)
    for file in (HOME.secrets, HOME.ports):
        file.unlink(missing_ok=True)
    console.print("Forgotten. The installed environment stays; `make up` begins anew.")
    return 0


def status() -> int:
    """Show each process. 0 if all of them are ready."""
    state = State.read(HOME)
    if not state or not HOME.is_supervised():
        left = len(started_for(HOME.folder))
        console.print(
            f"The supervisor is gone, {left} processes run on without it: make up" if left else "Purser is down."
        )
        return 1
    console.print(f"Purser is {state.phase}: {state.url}")
    table = Table("process", "pid", "state", "up for", "memory", "port", "restarts", box=None, pad_edge=False)
    table.columns[2].no_wrap = True
    reasons: list[str] = []
    looked_at: dict[str, list[str]] = {}
    for name, running in state.processes.items():
        why, warnings = _asked(name, running)
        if why is not None:
            reasons.append(f"{name} is not ready: {why}")
        for warning in warnings:
            looked_at.setdefault(warning, []).append(name)
        lived = f"{time.time() - running.since:.0f} s" if running.pid else ""
        cells = [str(running.pid or ""), "ready" if why is None else "not ready", lived, _memory(running.pid)]
        table.add_row(name, *cells, str(running.port), str(running.deaths))
    console.print(table)
    told = [f"! {warning} ({', '.join(names)})" for warning, names in looked_at.items()]
    for line in [*reasons, *told]:
        console.print(escape(line), soft_wrap=True)
    return 0 if state.phase == "up" and not reasons else 1


def _asked(name: str, running: Running) -> tuple[str | None, list[str]]:
    """Why the process is not ready, if it is not, and what it warns of."""
    if running.pid is None:
        return "it waits to be started again", []
    return (None, []) if name in ("postgres", "rabbitmq") else ask_readiness(running.port or 0)


def _launch() -> State:
    """Make sure there is a supervisor, and return its first word."""
    deadline = time.monotonic() + 60
    supervisor: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        state = State.read(HOME)
        supervised = HOME.is_supervised()
        if supervised and state and state.phase != "stopping" and psutil.pid_exists(state.supervisor):
            return state
        if not supervised and (supervisor is None or supervisor.poll() is not None):
            supervisor = _spawn()
        time.sleep(0.1)
    raise SystemExit(f"The supervisor did not start; see {HOME.log('supervisor')}")


def _spawn() -> subprocess.Popen[bytes]:
    HOME.make()
    with HOME.log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.local.supervisor"],
            cwd=ROOT,
            env=os.environ | {MARK: str(HOME.folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # out of reach of the terminal's Ctrl-C
        )


def _follow(state: State) -> int:
    """Show the steps of a start until it serves or ends."""
    shown: set[str] = set()
    with console.status("Starting ...") as spinner:
        while state.phase in ("starting", "stopping") and psutil.pid_exists(state.supervisor):
            _show_news(state, shown)
            if state.phase == "stopping":
                spinner.update("Stopping ...")
            elif under_way := [step.name for step in state.steps if step.seconds is None]:
                spinner.update(", ".join(under_way))
            time.sleep(0.1)
            state = State.read(HOME) or state
        _show_news(state, shown)
    if state.phase == "up":
        console.print(f"\nPurser is up: {state.url}  ({time.time() - state.began:.0f} s)")
        _show_logins(state)
        return 0
    if state.failure:
        return _show_failure(state.failure.process, state.failure.sentence)
    if state.phase == "starting":
        return _show_failure("supervisor", "The supervisor was killed.")
    console.print("The start was stopped by somebody else (make down?).")
    return 1


def _show_news(state: State, shown: set[str]) -> None:
    for note in state.notes:
        if note not in shown:
            console.print(f"! {note}")
    for step in state.steps:
        if step.seconds is not None and step.name not in shown:
            console.print(f"[green]✓[/] {step.name:<60} {step.seconds:5.1f} s")
    shown.update(state.notes, (step.name for step in state.steps if step.seconds is not None))


def _show_logins(state: State) -> None:
    secrets = Secrets.model_validate_json(HOME.secrets.read_text())
    table = Table("role", "login", "password", box=None, padding=(0, 3, 0, 2))
    for role, login in LOGINS.items():
        table.add_row(role, login, escape(secrets.logins[login]))
    console.print(table)
    # Not in the table, which cuts what a narrow terminal has no room for.
    console.print(f"\n  staff      {state.url}/admin/\n  customers  {state.url}/", soft_wrap=True)
    console.print(f"\n  events for other programs: exchange purser.events at\n  {state.broker_url}", soft_wrap=True)
    console.print("\n  make status · make logs · make down")


def _show_failure(process: str | None, sentence: str) -> int:
    console.print(f"[red]✗[/] {escape(sentence)}", soft_wrap=True)
    if process and (log := HOME.log(process)).exists():
        lines = log.read_text(errors="replace").splitlines()[-15:]
        console.print(f"  the end of {log.relative_to(ROOT)}:")
        console.print(escape("\n".join(f"  | {line}" for line in lines)), soft_wrap=True)
    console.print("Everything that had started is stopped. When the cause is gone: make up")
    return 1


def _stop() -> None:
    """Let the supervisor stop everything in order; end whatever is left, were it the supervisor itself."""
    running = started_for(HOME.folder)
    supervisors = [process for process in running if _is_supervisor(process)]
    end(supervisors, patience=60)
    end(started_for(HOME.folder))


def _is_supervisor(process: psutil.Process) -> bool:
    try:
        return "deploy.local.supervisor" in process.cmdline()
    except psutil.Error:
        return False


def _memory(pid: int | None) -> str:
    """What the process and its children hold; of shared pages, where the system tells, their share."""
    if pid is None:
        return ""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        infos = [member.memory_full_info() for member in family]
        return f"{sum(getattr(info, 'pss', info.rss) for info in infos) / 2**20:.0f} MB"
    except psutil.Error:
        return ""
