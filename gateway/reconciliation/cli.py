"""`purser reconcile`."""

import asyncio
import getpass
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from gateway.clients import Clients, Services
from gateway.reconciliation import findings, repairs
from gateway.reconciliation.books import Books
from gateway.reconciliation.differences import Kind
from gateway.reconciliation.models import Finding
from gateway.reconciliation.rounds import SETTLE_SECONDS, Looking
from gateway.settings import ReconcileSettings
from shared.auth import Caller, Role
from shared.db import Database, is_unreachable
from shared.errors import Refusal
from shared.settings import load

SHOWN = 100

ADVICE = {
    Kind.PAYMENT_UNSETTLED: "the order has not heard what was paid: --repair has billing tell it again",
    Kind.INVOICE_BEHIND: "billing has not heard what the order costs: --repair has orders tell it again",
    Kind.INVOICE_MISSING: "billing does not know the order: --repair has orders tell it again",
    Kind.COUNTS_OFF: "--repair has support count the tickets anew",
    Kind.SHOP_COUNT_OFF: "--repair has support count the tickets anew",
    Kind.INVOICE_AHEAD: "orders has lost what billing knows: was its database restored from an older copy?",
    Kind.ORDER_AHEAD: "billing has lost what orders knows: was its database restored from an older copy?",
    Kind.ORDER_MISSING: "billing holds money for an order that is not there: find out where it went, or pay it back",
    Kind.COST_DIFFERS: "one of them was changed by hand: see the order's acts, and decide which one is right",
    Kind.PAID_DIFFERS: "one of them was changed by hand: the ledger is what was paid",
    Kind.ORDER_OFF: "the order was changed by hand: changing any of its items settles it anew",
    Kind.INVOICE_OFF: "the invoice was changed by hand, or a transfer is gone: `purser verify`",
    Kind.BALANCE_OFF: "the balance was changed by hand, or a transfer is gone: `purser verify`",
    Kind.HELD_OFF: "what is held was changed by hand, or a withdrawal that waits is gone",
    Kind.TRANSFERS_MISSING: "a transfer is gone, or was put in by hand: `purser verify`",
}


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise typer.BadParameter("This machine does not know who you are: say --by.") from error


def reconcile(
    by: Annotated[str, typer.Option(help="who you are", show_default="your login here", default_factory=_login)],
    repair: Annotated[bool, typer.Option(help="Do what is safe about what is found, and say what was done.")] = False,
    settle: Annotated[
        float, typer.Option(min=0, help="What differs counts if nothing has changed for so many seconds.")
    ] = SETTLE_SECONDS,
) -> None:
    """Hold the books of orders, billing and support against each other. Ends with 1 where something does not add up."""
    console = Console(highlight=False)
    settings = load(ReconcileSettings, among_others=True)
    try:
        raise typer.Exit(asyncio.run(_run(settings, by, repair, settle, console)))
    except KeyboardInterrupt:
        console.print("Stopped. What was found until then is kept.")
        raise typer.Exit(130) from None
    except Refusal as refusal:
        console.print(f"Not looked through to the end: {refusal.sentence}", markup=False, soft_wrap=True)
    except (OSError, SQLAlchemyError) as error:
        why = "cannot be reached: is the shop up (`make up`)?" if is_unreachable(error) else "would not do it."
        console.print(f"The gateway's database {why}")
    raise typer.Exit(2)


async def _run(settings: ReconcileSettings, by: str, repair: bool, settle: float, console: Console) -> int:
    database, clients = Database(settings.database_url), Clients(settings)
    services = clients.on_behalf_of(Caller(by, Role.ADMIN))
    try:
        with console.status("Looking through the books ...") as status:
            await _wait_and_look(Looking(database, services, settle), status, console)
        return await _show_and_repair(database, services, repair, console)
    finally:
        await clients.close()
        await database.close()


async def _wait_and_look(looking: Looking, status: Status, console: Console) -> None:
    def tell(now: Looking) -> None:
        waiting = f"; {now.waiting_for:,} differ: news may be on its way, looking again" if now.waiting_for else ""
        status.update(f"{now.positions:,} positions looked at{waiting}")

    looking.tell = tell
    while True:
        async with findings.alone(looking.database) as first:
            if first:
                await looking.run()
                console.print(
                    f"{looking.positions:,} positions looked at: orders, invoices, accounts, tickets' counts."
                )
                return
        status.update("Somebody is looking through the books already: waiting for them")
        await asyncio.sleep(1)


async def _show_and_repair(database: Database, services: Services, repair: bool, console: Console) -> int:
    found = await _list(database)
    if not found:
        console.print("[green]Everything adds up.[/]")
        return 0
    _show(found, console)
    if not repair:
        return 1
    left, part = 0, found
    while part:
        left += await _repair(database, services, part[:SHOWN], console)
        part = await _list(database, part[SHOWN - 1].id) if len(part) > SHOWN else []
    if left:
        console.print(f"{left:,} left for a person to decide: see docs/operations.md.")
        return 1
    console.print("[green]Everything adds up now.[/]")
    return 0


async def _list(database: Database, before_id: int | None = None) -> Sequence[Finding]:
    async with database.transaction() as session:
        return await findings.list_findings(session, resolved=False, before_id=before_id, limit=SHOWN + 1)


def _show(found: Sequence[Finding], console: Console) -> None:
    table = Table("what", "about", "figures", "since", box=None, pad_edge=False)
    for finding in found[:SHOWN]:
        figures = ", ".join(f"{name} {value}" for name, value in finding.figures.items())
        since = f"{finding.first_seen_at:%Y-%m-%d %H:%M}"
        table.add_row(f"[red]{finding.kind}[/]", escape(finding.subject), escape(figures), since)
    console.print(table)
    if len(found) > SHOWN:
        console.print(f"These are the newest {SHOWN}: GET /api/admin/findings lists all.")
    for kind in sorted({Kind(finding.kind) for finding in found}):
        console.print(f"  {kind}: {ADVICE[kind]}", markup=False, soft_wrap=True)


async def _repair(database: Database, services: Services, found: Sequence[Finding], console: Console) -> int:
    """Gives how many are left."""
    books = Books(services, rest=0)
    repaired: list[Finding] = []
    for finding in found:
        async with database.transaction() as session:
            about_it = await findings.list_open(session, [finding.subject])
        if did := await repairs.repair(services, books, finding, about_it):
            console.print(f"[green]✓[/] {did}", soft_wrap=True)
            repaired.append(finding)
    with console.status("Waiting until it has arrived ..."):
        done = await repairs.arrived(books, repaired)
    async with database.transaction() as session:
        await findings.resolve(session, done)
    return len(found) - len(done)
