"""One run of an import, as its user sees it: progress, what became of the lines, and what to do where it breaks off."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError

from services.orders.importer.form import Form, Unreadable
from services.orders.importer.importing import import_file
from services.orders.importer.report import Report
from services.orders.settings import ImportSettings
from shared.db import Database, is_unreachable
from shared.failure import sqlstate

AGAIN = "What is reported above is done. Run the same again, and it goes on from there."


def run(
    file: Path, encoding: str, form: Form, source: str, settings: ImportSettings, rows: Path | None, console: Console
) -> int:
    """Import, tell, and give the exit code."""
    console.print(
        f"{file}: {encoding}, times in {form.zone}, money in {settings.currency}", markup=False, soft_wrap=True
    )
    with ExitStack() as stack:
        try:
            report = Report(stack.enter_context(rows.open("w", encoding="utf-8", newline="")) if rows else None)
            raw = stack.enter_context(file.open("rb"))
            text = stack.enter_context(TextIOWrapper(raw, encoding=encoding, newline=""))
        except OSError as error:
            console.print(f"Cannot open {error.filename}: {error.strerror}.", markup=False, soft_wrap=True)
            return 2
        stopped = ""
        code = 0
        try:
            with _progress(console, file, raw) as tick:
                asyncio.run(_import(text, form, source, settings, report, tick))
        except KeyboardInterrupt:
            code, stopped = 130, f"Stopped. {AGAIN}"
        except UnicodeError:
            code, stopped = (
                2,
                f"The file is not written in {encoding}: name its --encoding, such as cp1252 or utf-16.",
            )
        except Unreadable as error:
            code, stopped = 2, str(error)
        except (OSError, SQLAlchemyError) as error:
            code, stopped = 2, f"{_why(error)} {AGAIN}"
        if report.lines or not stopped:
            report.show(console)
        if stopped:
            console.print(f"\n{stopped}", markup=False, highlight=False, soft_wrap=True)
        return code


def _why(error: Exception) -> str:
    if is_unreachable(error):
        return "The database cannot be reached: is the shop up (`make up`)?"
    what = sqlstate(error) or type(error).__name__
    return f"The database would not do it ({what}): is PURSER_DATABASE_URL the orders service's, and is it migrated?"


@contextmanager
def _progress(console: Console, file: Path, raw: BufferedReader) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, and nothing elsewhere; what comes through a pipe has no end to measure by."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    size = file.stat().st_size if raw.seekable() else None
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("importing", total=size)

        def tick() -> None:
            if raw.seekable():
                progress.update(bar, completed=raw.tell())

        yield tick


async def _import(
    text: TextIO, form: Form, source: str, settings: ImportSettings, report: Report, tick: Callable[[], None]
) -> None:
    database = Database(settings.database_url)
    try:
        await import_file(text, form, source, settings.currency, database, report, tick)
    finally:
        await database.close()
