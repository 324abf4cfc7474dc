"""What may be said of an error: its kind and its place. Its text may hold what somebody wrote, or a password."""

import traceback
from collections.abc import Iterator
from pathlib import Path

from aiormq.exceptions import ChannelClosed
from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError

# Their texts are about connections and names of queues.
_OUTSPOKEN = (OSError, ChannelClosed)
# PostgreSQL's about connections, rights and names in the schema; all its others may repeat a value.
_OUTSPOKEN_CLASSES = ("08", "28", "3D", "42", "53", "55", "57")
_ROOT = Path(__file__).parents[1]


def kind_of(error: BaseException) -> str:
    """Its type; of a database's error also the SQLSTATE and what it was about, of a connection's what it says."""
    said = [type(error).__name__]
    if (refused := _by_postgres(error)) is not None:
        said += [refused.sqlstate, _about(refused)]
    elif isinstance(error, _OUTSPOKEN):
        said.append(str(error))
    return " ".join(each for each in said if each)


def place_of(error: BaseException) -> str:
    """Where in our code it was raised, "" where nowhere in it."""
    places = [
        f"{file.relative_to(_ROOT)}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (file := Path(frame.f_code.co_filename)).is_relative_to(_ROOT) and ".purser" not in file.parts
    ]
    return places[-1] if places else ""


def traceback_of(error: BaseException) -> str:
    """Its traceback, with what it came from, as Python writes it but for the texts."""
    return "".join(_trace(error, set())).rstrip()


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code for what went wrong, "" where it did not say."""
    return getattr(_by_postgres(error), "sqlstate", None) or ""


def _by_postgres(error: BaseException) -> PostgresError | None:
    raised = error.driver_exception if isinstance(error, DBAPIError) else error
    return raised if isinstance(raised, PostgresError) else None


def _about(error: PostgresError) -> str:
    if error.sqlstate.startswith(_OUTSPOKEN_CLASSES):
        return str(error.message)
    table_and_column = ".".join(each for each in (error.table_name, error.column_name) if each)
    return error.constraint_name or table_and_column


def _trace(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    came_from = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if came_from is not None and id(came_from) not in seen:
        yield from _trace(came_from, seen)
        yield "\nand of that, or meanwhile:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{kind_of(error)}\n"
    for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield "\none of these:\n\n"
        yield from _trace(each, seen)
