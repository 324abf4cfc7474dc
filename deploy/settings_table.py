"""Write docs/settings.md: `python -m deploy.settings_table`."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from pydantic.fields import FieldInfo

from deploy.local.home import ROOT
from deploy.local.programs import SHOPS_RULES, TRACES
from deploy.operating.settings import OperatorSettings
from deploy.postgres.provision import ProvisionSettings
from deploy.settings import DemonstrationSettings, UpSettings
from gateway.settings import BootstrapSettings, GatewaySettings, ReconcileSettings
from services.billing.settings import BillingApiSettings, VerifySettings
from services.orders.settings import ImportSettings, OrdersApiSettings
from shared.settings import ApiSettings, MigrationSettings, Settings, WorkerSettings, allowed, variable

PROCESSES: Mapping[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "orders-api": OrdersApiSettings,
    "billing-api": BillingApiSettings,
    "support-api": ApiSettings,
    "orders-worker": WorkerSettings,
    "billing-worker": WorkerSettings,
    "support-worker": WorkerSettings,
}
PROGRAMS: Mapping[str, type[Settings]] = {
    "`python -m ….migrations`": MigrationSettings,
    "`python -m gateway.accounts.bootstrap`": BootstrapSettings,
    "`purser import`": ImportSettings,
    "`purser reconcile`": ReconcileSettings,
    "`purser verify`": VerifySettings,
    "`purser dead-letters`, `purser replay`": OperatorSettings,
    "`python -m deploy.postgres.provision`": ProvisionSettings,
    "`make up`": UpSettings,
    "`python -m deploy.demo`": DemonstrationSettings,
}
INTRODUCTION = """\
# Settings

Written from the code by `make contracts`; `make check` says where it no longer fits.

Every process reads its environment once, when it starts, and takes these and no others: a setting that is missing,
bad or not one of its own stops the start, with a line for each that says what it must be. An empty one counts as not
set. Those in **bold** must be set. A value marked 🔒 is secret: it stands in no log and in no complaint. What is not in
the environment is read from a file of its name in small letters, `/run/secrets/purser_database_url`, if there is one.

A cluster that puts the addresses of all its services into the environment of every process, as Kubernetes does, may
make names that begin with `PURSER_`: turn that off (`enableServiceLinks: false`), or call its services otherwise.
"""


class _Row(NamedTuple):
    name: str
    shown: str
    meaning: str
    must_be: str
    by_itself: str
    reader: str


def table() -> str:
    """The page."""
    rows = sorted(_rows(), key=attrgetter("name", "meaning"))
    lines = ["| setting | what it is | must be | by itself | who reads it |", "|---|---|---|---|---|"]
    for (_, *cells), same in groupby(rows, key=lambda row: row[:-1]):
        lines.append(f"| {' | '.join(cells)} | {_readers([row.reader for row in same])} |")
    return "\n".join([INTRODUCTION, *lines, ""])


def _rows() -> Iterator[_Row]:
    for reader, kind in {**PROCESSES, **PROGRAMS}.items():
        for name, field in kind.model_fields.items():
            yield _row(variable(name), field, reader)
    for name in (*TRACES, *(name for names in SHOPS_RULES.values() for name in names)):
        field = BillingApiSettings.model_fields[name.removeprefix("PURSER_").lower()]
        yield _row(name, field, "`make up`, which passes it on")


def _row(name: str, field: FieldInfo, reader: str) -> _Row:
    shown = f"**`{name}`**" if field.is_required() else f"`{name}`"
    meaning = " ".join((field.description or "").split())
    return _Row(name, shown + ("" if field.repr else " 🔒"), meaning, allowed(field), _default(field), reader)


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default == "":
        return ""
    if isinstance(field.default, Path):
        return f"`{field.default.relative_to(ROOT)}`"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _readers(readers: list[str]) -> str:
    if set(readers) >= {*PROCESSES, *PROGRAMS}:
        return "all"
    if set(readers) >= set(PROCESSES):
        return ", ".join(["every process", *(reader for reader in readers if reader not in PROCESSES)])
    return ", ".join(readers)


if __name__ == "__main__":
    print(table(), end="")
