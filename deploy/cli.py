"""The `purser` command."""

import json
import os
import sys
from typing import Annotated

import typer

from deploy.local import launcher
from deploy.local.home import HOME
from deploy.local.logs import follow
from deploy.local.programs import Programs
from deploy.local.secrets import Secrets
from deploy.operating import dead_letters_cli
from deploy.operating.replay_cli import replay
from gateway.reconciliation.cli import reconcile
from services.billing.verifier.cli import verify
from services.orders.importer.cli import import_

app = typer.Typer(help="The back office of an online shop.", no_args_is_help=True, add_completion=False)


# What each command is told where the shop is up; elsewhere its user says it, beginning with this setting.
TOLD = {
    "import": ("PURSER_DATABASE_URL", Programs.importing),
    "verify": ("PURSER_DATABASE_URL", Programs.verifying),
    "reconcile": ("PURSER_DATABASE_URL", Programs.reconciling),
    "dead-letters": ("PURSER_BROKER_URL", Programs.operating),
    "replay": ("PURSER_BROKER_URL", Programs.operating),
}


@app.callback()
def _tell(context: typer.Context) -> None:
    """The back office of an online shop."""
    setting, told = TOLD.get(context.invoked_subcommand or "", ("PATH", None))
    if told is None or setting in os.environ or "--help" in sys.argv:
        return
    if not HOME.is_supervised():
        sys.exit(f"The shop is not up: `make up` first, or name another's servers in {setting} and so on.")
    os.environ |= told(Programs(json.loads(HOME.ports.read_text()), Secrets.load(HOME.secrets)))


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


app.command(name="import")(import_)
app.command()(reconcile)
app.command()(replay)
app.command()(verify)
app.add_typer(dead_letters_cli.app, name="dead-letters")


if __name__ == "__main__":
    app(prog_name="purser")
