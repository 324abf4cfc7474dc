"""What many ask for at the same time is done in one go: fewer commits, and fewer statements for each."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from shared.db import is_unreachable

W = TypeVar("W")
A = TypeVar("A")


class Batches(Generic[W, A]):
    """Calls `work` with all that was asked for while it was busy: nobody waits for a clock.

    `work` gives an answer for each, or None for one that would keep the others waiting; or it raises. What gets no
    answer so is tried alone, and meanwhile the next batch begins: nobody suffers from another.
    """

    def __init__(self, work: Callable[[Sequence[W]], Awaitable[Sequence[A | None]]], most: int) -> None:
        self._work, self._most = work, most
        self._waiting: deque[_Asked[W, A]] = deque()
        self._busy = False
        self._tasks: set[asyncio.Task[None]] = set()
        # Not of the one who happens to come first.
        self._context = copy_context()

    async def ask(self, wanted: W) -> A:
        """The answer; raises what `work` has raised for this one alone, or where the database is not there."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answer))
        if not self._busy:
            self._busy = True
            self._begin(self._empty())
        return await answer

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _empty(self) -> None:
        try:
            while self._waiting:
                size = min(self._most, len(self._waiting))
                await self._do([self._waiting.popleft() for _ in range(size)])
        finally:
            self._busy = False

    async def _do(self, batch: "list[_Asked[W, A]]") -> None:
        together = len(batch) > 1
        given: Sequence[A | Exception | None]
        try:
            given = await self._work([wanted for wanted, _ in batch])
        except Exception as error:
            given = [None if together and not is_unreachable(error) else error] * len(batch)
        except BaseException:
            # We are cancelled, and so are those who wait.
            for _, answer in batch:
                answer.cancel()
            raise
        for each, what in zip(batch, given, strict=True):
            if what is None:
                assert together, "what is tried alone must get an answer"
                self._begin(self._do([each]))
            elif not each[1].done():
                each[1].set_exception(what) if isinstance(what, Exception) else each[1].set_result(what)


_Asked = tuple[W, "asyncio.Future[A]"]
