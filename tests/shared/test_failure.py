"""An error is logged by its kind and its place; its text, which may hold what somebody wrote, is not."""

import asyncio
import subprocess
import sys

import asyncpg
import pytest
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelNotFoundEntity, PublishError
from pamqp.commands import Basic
from pamqp.header import ContentHeader
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db import Database
from shared.failure import kind_of, place_of, traceback_of
from tests.installation import Installation

SAID = "canary-of-an-error"


def _invalid() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python(SAID)
    return caught.value


def _returned() -> PublishError:
    message = DeliveredMessage(Basic.Return(312, "NO_ROUTE"), ContentHeader(), SAID.encode(), None)  # type: ignore[arg-type]
    return PublishError(message, Basic.Return(312, "NO_ROUTE"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError(SAID), "ValueError"),
        (KeyError(SAID), "KeyError"),
        (RuntimeError(SAID), "RuntimeError"),
        (_invalid(), "ValidationError"),
        (_returned(), "PublishError"),
        (ConnectionError("the broker is lost"), "ConnectionError the broker is lost"),
        (ChannelNotFoundEntity("no queue x"), "ChannelNotFoundEntity no queue x"),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
def test_only_connections_speak_for_themselves(error: Exception, kind: str) -> None:
    assert kind_of(error) == kind
    assert SAID not in traceback_of(error)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("INSERT INTO idempotency_keys (scope, key) VALUES (:said, 'k')",
         "IntegrityError 23502 idempotency_keys.request_hash"),
        ("INSERT INTO inbox (event_id) SELECT CAST('00000000-0000-4000-8000-000000000000' AS uuid)"
         " FROM generate_series(1, 2) WHERE :said <> ''", "IntegrityError 23505 pk_inbox"),
        ("SELECT CAST(CAST(:said AS text) AS integer)", "DBAPIError 22P02"),
        ("SELECT * FROM nowhere WHERE x = :said", 'ProgrammingError 42P01 relation "nowhere" does not exist'),
    ],
    ids=["not null", "unique", "cast", "name"],
)  # fmt: skip
async def test_a_databases_error_is_told_by_its_code_and_what_it_was_about(
    installation: Installation, statement: str, kind: str
) -> None:
    database = Database(installation.database_url("billing"))
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as session:
            await session.execute(text(statement), {"said": SAID})
    await database.close()
    assert kind_of(caught.value) == kind
    assert place_of(caught.value).startswith("tests/shared/test_failure.py:")
    assert SAID not in traceback_of(caught.value)
    assert traceback_of(caught.value).count("Traceback") == 3
    assert "parameters:" not in str(caught.value)


async def test_a_drivers_own_error_is_told_in_the_same_way(installation: Installation) -> None:
    connection = await asyncpg.connect(installation.superuser_url("billing"))
    with pytest.raises(asyncpg.PostgresError) as caught:
        await connection.execute(f"DO $$ BEGIN RAISE EXCEPTION '{SAID}'; END $$")
    await connection.close()
    assert kind_of(caught.value) == "RaiseError P0001"


def test_of_a_group_each_error_is_told_with_what_it_came_from() -> None:
    def fail() -> None:
        try:
            raise KeyError(SAID)
        except KeyError as error:
            raise ValueError(SAID) from error

    async def fail_together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(fail))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(fail_together())
    told = traceback_of(caught.value)
    assert [each in told for each in ("ExceptionGroup", "KeyError", "ValueError", "raise KeyError(SAID)", SAID)] == [
        True, True, True, True, False,
    ]  # fmt: skip


LIBRARY = f"""
import asyncio, logging, sys
from shared.telemetry import configure_logging
configure_logging("test", "json", "debug")

class Message:
    def __repr__(self):
        return "{SAID}"

async def forgotten():
    async def fail():
        raise ValueError("{SAID}")
    asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

logging.getLogger("aiormq").error("unexpected %r and %s, %d times", Message(), ValueError("{SAID}"), 2)
asyncio.run(forgotten())
raise LookupError("{SAID}")
"""


def test_nor_do_libraries_forgotten_tasks_and_a_process_that_dies_say_more() -> None:
    done = subprocess.run([sys.executable, "-c", LIBRARY], capture_output=True, text=True)
    assert "unexpected 'Message' and ValueError, 2 times" in done.stderr
    assert "Task exception was never retrieved" in done.stderr
    assert "ended by an error" in done.stderr
    assert "LookupError" in done.stderr
    assert [line for line in done.stderr.splitlines() if SAID in line] == []
    assert done.returncode == 1


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    program = (
        "import structlog; from shared.telemetry import configure_logging;"
        "configure_logging('test', 'json', 'info'); structlog.get_logger().info('it happened'); print('and went on')"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.stdout == "and went on\n"
