"""`purser verify`."""

import asyncio
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from services.billing.seals import Seal
from services.billing.settings import VerifySettings
from services.billing.verifier.checking import Verified
from services.billing.verifier.checking import verify as check
from shared.db import Database, is_unreachable
from shared.settings import load

HEAD = re.compile(r"([1-9][0-9]{0,18}):([0-9a-f]{64})")


def verify(
    head: Annotated[
        list[str], typer.Option(metavar="NUMBER:HASH", help="A head that was kept; several, if you like.")
    ] = [],  # noqa: B006
    heads: Annotated[
        Path | None,
        typer.Option(
            help="A file of heads, one a line: held against all of them, the newest is added.", dir_okay=False
        ),
    ] = None,
) -> None:
    """Prove that no transfer was changed, removed or put in by hand. Ends with 1 where one was, and names the first.

    Without a head that was kept elsewhere, whoever can write everything anew goes unseen.
    """
    console = Console(highlight=False)
    settings = load(VerifySettings, among_others=True)
    kept = [*head, *(heads.read_text().split() if heads and heads.exists() else [])]
    known = {int(match[1]): match[2] for line in kept if (match := HEAD.fullmatch(line))}
    if len(known) != len(set(kept)):
        console.print("Not a head: a line is NUMBER:HASH, each number once, as `purser verify` prints it.")
        raise typer.Exit(2)
    try:
        verified = asyncio.run(_run(settings.database_url, known, console))
    except (OSError, SQLAlchemyError) as error:
        why = "cannot be reached: is the shop up (`make up`)?" if is_unreachable(error) else "would not do it."
        console.print(f"Billing's database {why}")
        raise typer.Exit(2) from None
    code = _show(verified, known, console)
    if code == 0 and heads is not None and verified.newest is not None and verified.newest.number not in known:
        with heads.open("a") as file:
            file.write(f"{verified.newest.head}\n")
    raise typer.Exit(code)


async def _run(database_url: str, known: dict[int, str], console: Console) -> Verified:
    database = Database(database_url, pool_size=1)
    try:
        with console.status("Going through the ledger ...") as status:

            def tell(seal: Seal) -> None:
                status.update(f"{seal.transfers:,} transfers")

            return await check(database, known, tell)
    finally:
        await database.close()


def _show(verified: Verified, known: dict[int, str], console: Console) -> int:
    for number, flaw in enumerate(verified.flaws):
        console.print(f"{'First: ' if number == 0 else ''}{flaw}", style="red", markup=False, soft_wrap=True)
    if verified.flaws:
        console.print("The ledger is not what it was. See docs/operations.md.")
        return 1
    if (newest := verified.newest) is None:
        console.print("Nothing is sealed yet.")
        return 0
    console.print(f"{newest.transfers:,} transfers are what they were when they were sealed.", soft_wrap=True)
    console.print(f"{verified.waiting:,} more wait for the next seal." if verified.waiting else "None is unsealed.")
    if known:
        console.print(f"Held against {len(known)} heads that were kept.")
    console.print(f"The head, to be kept elsewhere:\n{newest.head}", soft_wrap=True)
    return 0
