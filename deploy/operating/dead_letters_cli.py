"""`purser dead-letters list | show | replay | discard | log`."""

import getpass
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from deploy.operating.dead_letters import DeadLetters, Letter, dead_letters, printable
from deploy.operating.records import DISCARDED, REPLAYED, Records
from deploy.operating.settings import OperatorSettings
from deploy.operating.telling import progress, run, say
from shared.settings import load

app = typer.Typer(help="Events that no reaction could take: look at them, try them again, give them up.")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise typer.BadParameter("This machine does not know who you are: say --by.") from error


Ids = Annotated[list[str], typer.Argument(metavar="ID", help="as `list` shows them")]
Queue = Annotated[str, typer.Option(help="only those that died in this queue")]
By = Annotated[str, typer.Option(help="who you are", show_default="your login here", default_factory=_login)]
Limit = Annotated[int, typer.Option(min=1, help="how many are shown")]


@app.command("list")
def list_(queue: Queue = "", limit: Limit = 100) -> None:
    """Show each, the oldest first: id, type, subject, the queue it died in, since when, and why."""
    run(_list(load(OperatorSettings, among_others=True), queue, limit))


@app.command()
def show(ids: Ids, queue: Queue = "") -> None:
    """Show all that is in them. Bodies hold customers' data."""
    run(_show(load(OperatorSettings, among_others=True), ids, queue))


@app.command()
def replay(
    by: By,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="as `list` shows them")] = None,
    all_: Annotated[bool, typer.Option("--all", help="every one, or every one of --queue")] = False,
    queue: Queue = "",
    why: Annotated[str | None, typer.Option(help="such as: the bug is fixed")] = None,
) -> None:
    """Give them once more to exactly the queue they died in, with the same ids: what took effect once does nothing."""
    if bool(ids) == all_:
        raise typer.BadParameter("Name ids, or say --all.")
    run(_settle(load(OperatorSettings, among_others=True), set(ids or ()), queue, REPLAYED, by, why))


@app.command()
def discard(
    ids: Ids, by: By, why: Annotated[str, typer.Option(help="it is written down for good")], queue: Queue = ""
) -> None:
    """Throw them away: what they told will never take effect there."""
    if not why.strip():
        raise typer.BadParameter("Say why.")
    run(_settle(load(OperatorSettings, among_others=True), set(ids), queue, DISCARDED, by, why))


@app.command()
def log(limit: Limit = 100) -> None:
    """Show who replayed or discarded what, when and why, newest first."""
    run(_log(load(OperatorSettings, among_others=True), limit))


@asynccontextmanager
async def _in_hand(
    settings: OperatorSettings, what: str
) -> AsyncIterator[tuple[DeadLetters, AsyncIterator[list[Letter]]]]:
    async with dead_letters(settings.broker_url) as letters:
        with progress(what, letters.count) as advance:

            async def some() -> AsyncIterator[list[Letter]]:
                async for each in letters.some():
                    yield each
                    advance(len(each))

            yield letters, some()


async def _list(settings: OperatorSettings, queue: str, limit: int) -> int:
    found, oldest = Counter[str](), list[Letter]()
    async with _in_hand(settings, "looking") as (_, some):
        async for letters in some:
            meant = [letter for letter in letters if queue in ("", letter.queue)]
            found.update(printable(letter.queue) for letter in meant)
            oldest = sorted([*oldest, *meant], key=lambda letter: letter.since)[:limit]
    for letter in oldest:
        _show_line(letter)
    if (more := found.total() - limit) > 0:
        say(f"... and {more} more: --limit, --queue")
    say("1 dead letter" if found.total() == 1 else f"{found.total()} dead letters")
    for name, count in found.most_common():
        say(f"  {count} of {name}")
    return 0


def _show_line(letter: Letter) -> None:
    where, since = printable(letter.queue), f"{letter.since:%Y-%m-%d %H:%M:%SZ}"
    say(f"{letter.id}  {letter.type}  {letter.subject}  {where}  since {since}")
    say(f"    {letter.why}")


async def _show(settings: OperatorSettings, ids: list[str], queue: str) -> int:
    missing = set(ids)
    async with _in_hand(settings, "looking") as (_, some):
        async for letters in some:
            for letter in letters:
                if letter.id in ids and queue in ("", letter.queue):
                    missing.discard(letter.id)
                    _show_whole(letter)
    return _say_missing(missing)


def _show_whole(letter: Letter) -> None:
    _show_line(letter)
    for name, value in sorted(letter.message.headers.items()):
        say(f"    {printable(name)}: {printable(value)}")
    for line in _body(letter.message.body).splitlines():
        say(f"    {printable(line)}")


def _body(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return f"(no JSON) {body[:2_000]!r}"


async def _settle(settings: OperatorSettings, ids: set[str], queue: str, act: str, by: str, why: str | None) -> int:
    """Do it, write it down, and only then take the letter away: whatever ends this in between, it is there to be
    settled again, and a second replay has no second effect."""
    what, done, kept, missing = act.removeprefix("dead_letter_"), 0, 0, set(ids)
    async with Records(settings) as records, _in_hand(settings, what) as (letters, some):
        async for each in some:
            meant = [letter for letter in each if queue in ("", letter.queue) and (not ids or letter.id in ids)]
            refused = await letters.send_back(meant) if act == REPLAYED else {}
            settled = [letter for letter in meant if letter not in refused]
            await records.write(act, settled, by, why)
            await letters.take_away(settled)
            for letter, reason in refused.items():
                say(f"{letter.id} stays: {reason}")
            done, kept, missing = done + len(settled), kept + len(refused), missing - {letter.id for letter in meant}
    say(f"{done} {what} by {by}" + (f", {kept} kept" if kept else ""))
    return _say_missing(missing) or int(kept > 0)


def _say_missing(missing: set[str]) -> int:
    for each in sorted(missing):
        say(f"There is no dead letter {printable(each)}.")
    return int(bool(missing))


async def _log(settings: OperatorSettings, limit: int) -> int:
    async with Records(settings) as records:
        for act in await records.read(limit):
            what, of = act.act.removeprefix("dead_letter_"), act.details
            say(f"{act.at:%Y-%m-%d %H:%M:%SZ}  {act.login}  {what}  {of['event_id']}  {act.subject}  {of['queue']}")
            say(f"    {act.note or 'no reason given'}; it had died of: {of['died_of']}")
    return 0
