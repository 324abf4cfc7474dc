"""The commands for whoever operates a shop, wherever it runs."""

import os
import sys
from collections.abc import Callable

import typer

from deploy.local.programs import Programs
from deploy.operating import dead_letters_cli
from deploy.operating.replay_cli import replay
from gateway.reconciliation.cli import reconcile
from services.billing.verifier.cli import verify
from services.orders.importer.cli import import_

# What each command is told of the shop, unless its user says it, beginning with this setting.
TOLD = {
    "import": ("PURSER_DATABASE_URL", Programs.importing),
    "verify": ("PURSER_DATABASE_URL", Programs.verifying),
    "reconcile": ("PURSER_DATABASE_URL", Programs.reconciling),
    "dead-letters": ("PURSER_BROKER_URL", Programs.operating),
    "replay": ("PURSER_BROKER_URL", Programs.operating),
}


def add_commands(app: typer.Typer, shop: Callable[[], Programs]) -> None:
    """Add them to an application, for the shop that is asked for when it is needed."""

    @app.callback()
    def tell(context: typer.Context) -> None:
        """The back office of an online shop."""
        setting, told = TOLD.get(context.invoked_subcommand or "", ("PATH", None))
        if told is not None and setting not in os.environ and "--help" not in sys.argv:
            os.environ |= told(shop())

    app.command(name="import")(import_)
    app.command()(reconcile)
    app.command()(replay)
    app.command()(verify)
    app.add_typer(dead_letters_cli.app, name="dead-letters")
