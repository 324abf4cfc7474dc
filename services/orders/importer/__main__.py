"""`python -m services.orders.importer FILE`, where there is no `purser` command."""

import typer

from services.orders.importer.cli import import_

typer.run(import_)
