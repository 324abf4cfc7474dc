"""The `purser` command."""

import json
import sys
from typing import Annotated

import typer

from deploy.local import launcher, rotating
from deploy.local.backup_cli import backup, restore
from deploy.local.home import HOME
from deploy.local.logs import follow
from deploy.local.programs import Programs
from deploy.local.secrets import Secrets
from deploy.operating.commands import add_commands

app = typer.Typer(help="The back office of an online shop.", no_args_is_help=True, add_completion=False)


def _shop() -> Programs:
    if not HOME.is_supervised():
        sys.exit("The shop is not up: `make up` first, or name another's servers in PURSER_DATABASE_URL and so on.")
    return Programs(json.loads(HOME.ports.read_text()), Secrets.load(HOME.secrets))


@app.command()
def up() -> None:
    """Start everything and print the address and the logins."""
    raise typer.Exit(launcher.up())


@app.command()
def down() -> None:
    """Stop everything; the data stays."""
    raise typer.Exit(launcher.down())


@app.command()
def reset() -> None:
    """Stop everything and forget the data and the secrets."""
    raise typer.Exit(launcher.reset())


@app.command()
def status() -> None:
    """Show each process: ready or why not, since when, how much memory; and what somebody should look at."""
    raise typer.Exit(launcher.status())


@app.command()
def logs(process: Annotated[str | None, typer.Argument(help="such as billing-api; all without it")] = None) -> None:
    """Follow the logs."""
    raise typer.Exit(follow(process))


@app.command()
def rotate(
    what: Annotated[list[rotating.What] | None, typer.Argument(help="all without it", show_default=False)] = None,
) -> None:
    """Make new keys and passwords while everything runs; nobody is refused, and who is signed in stays so."""
    raise typer.Exit(rotating.rotate(what or list(rotating.What)))


app.command()(backup)
app.command()(restore)
add_commands(app, _shop)


if __name__ == "__main__":
    app(prog_name="purser")
