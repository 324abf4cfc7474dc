"""The `purser` command in a container: `docker compose run --rm purser COMMAND`."""

import subprocess
import sys

import typer

from deploy.compose.programs import Composed
from deploy.local.programs import Program
from deploy.local.secrets import LOGINS, Secrets
from deploy.operating.commands import add_commands

app = typer.Typer(help="The back office of an online shop.", no_args_is_help=True, add_completion=False)


@app.command()
def logins() -> None:
    """Make the first logins of the staff, one for each role, or put them right again; print them."""
    shop = Composed.inside()
    _run(shop.logins())
    _show(shop.secrets, "admin", "financier", "operator")


@app.command()
def demo() -> None:
    """Fill an empty shop with a demonstration; print its logins."""
    shop = Composed.inside()
    _run(shop.logins())
    _run(shop.demonstration())
    _show(shop.secrets, *LOGINS)


def _run(program: Program) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program.module], env=program.environment, input=program.stdin, text=True
    )
    if done.returncode:
        raise typer.Exit(done.returncode)


def _show(secrets: Secrets, *roles: str) -> None:
    for role in roles:
        print(f"{role:<12}{LOGINS[role]:<12}{secrets.logins[LOGINS[role]]}")


add_commands(app, Composed.inside)

if __name__ == "__main__":
    app(prog_name="purser")
