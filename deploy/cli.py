"""The `purser` command."""

from typing import Annotated

import typer

from deploy.local import launcher
from deploy.local.logs import follow

app = typer.Typer(help="The back office of an online shop.", no_args_is_help=True, add_completion=False)


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
    """Show each process: ready or why not, since when, how much memory."""
    raise typer.Exit(launcher.status())


@app.command()
def logs(process: Annotated[str | None, typer.Argument(help="such as billing-api; all without it")] = None) -> None:
    """Follow the logs."""
    raise typer.Exit(follow(process))


if __name__ == "__main__":
    app(prog_name="purser")
