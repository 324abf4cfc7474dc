"""How the operator's commands speak: plain lines, progress on a terminal, one sentence where something is down."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from aiormq.exceptions import AMQPError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError

from deploy.operating.dead_letters import InHand
from shared.db import is_unreachable
from shared.failure import sqlstate

AGAIN = "Nothing is lost; what is said to be done above is done. Run the same again, and it goes on from there."
console = Console()


def say(line: str) -> None:
    """A line, whatever is in it."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def run(work: Coroutine[Any, Any, int], again: str = AGAIN) -> None:
    """End the command with what `work` gives, or with a sentence on why it broke off, and `again`, what to do then."""
    code, stopped = 2, ""
    for chatty in ("aio_pika", "aiormq"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    try:
        code = asyncio.run(work)
    except KeyboardInterrupt:
        code, stopped = 130, f"Stopped. {again}"
    except InHand as error:
        stopped = str(error)
    except AMQPError as error:
        stopped = f"The broker does not answer, or would not do it ({type(error).__name__}). {again}"
    except TimeoutError:
        stopped = f"The broker or a database did not answer in time. {again}"
    except (SQLAlchemyError, OSError) as error:
        stopped = f"{_database(error)} {again}"
    if stopped:
        say(stopped)
    raise typer.Exit(code)


def _database(error: Exception) -> str:
    if is_unreachable(error):
        return "A database cannot be reached."
    return f"A database would not do it ({sqlstate(error) or type(error).__name__})."


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, and nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=total)
        yield lambda more: shown.advance(task, more)
