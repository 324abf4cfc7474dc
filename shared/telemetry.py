"""Logs one can read, as text or as JSON, with one correlation id through all services. They say what failed, and where,
and repeat nothing of what it failed on: see `failure`."""

import logging
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal

import structlog

from shared.failure import kind_of, traceback_of

log = structlog.get_logger()


def configure_logging(service: str, form: Literal["json", "text"], level: str) -> None:
    """Send everything, also what libraries log and what ends the process, to standard error in one form."""
    shared_steps: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last_steps: list[structlog.typing.Processor] = [
        structlog.processors.ExceptionRenderer(lambda raised: traceback_of(raised[1])),
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False),
    ]
    # Our own lines do not go through `logging`: a quarter of the time.
    structlog.configure(
        processors=[*shared_steps, *last_steps],
        logger_factory=structlog.WriteLoggerFactory(_Unfailing()),  # type: ignore[arg-type]
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.addFilter(_repeat_nothing)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last_steps],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for chatty in ("aio_pika", "aiormq", "faststream", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)
    sys.excepthook = _end


class _Unfailing:
    """Standard error; but nothing fails because a line of the log could not be written."""

    def write(self, line: str) -> None:
        with suppress(OSError):
            sys.stderr.write(line)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def current_id() -> str | None:
    """The correlation id of what is being done."""
    correlation_id: str | None = structlog.contextvars.get_contextvars().get("correlation_id")
    return correlation_id


def current_process() -> str:
    """What the log calls this process."""
    return str(structlog.contextvars.get_contextvars().get("service", "purser"))


def _repeat_nothing(record: logging.LogRecord) -> bool:
    """Libraries log messages, tasks and errors, each of which shows all that it holds."""
    if isinstance(record.args, tuple):
        record.args = tuple(_shown(each) for each in record.args)
    if record.name == "asyncio":
        # The first line says what happened, the others to what.
        record.msg = str(record.msg).partition("\n")[0]
    return True


def _shown(given: object) -> Any:
    if isinstance(given, BaseException):
        return kind_of(given)
    return given if isinstance(given, str | int | float | None) else type(given).__name__


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("ended by an error", exc_info=error)
