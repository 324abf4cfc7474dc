"""What many ask for at the same time is done in one go: fewer commits, and fewer statements for each."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from typing import Generic, TypeVar

from shared.db import is_unreachable

W = TypeVar("W")
A = TypeVar("A")


class Batches(Generic[W, A]):
    """Calls `work` with all that was asked for while it was busy: nobody waits for a clock.

    `work` gives an answer for each, or raises: then each is tried alone, so that nobody suffers from another's fault.
    """

    def __init__(self, work: Callable[[Sequence[W]], Awaitable[Sequence[A]]], most: int, at_once: int = 1) -> None:
        self._work, self._most, self._idle = work, most, at_once
        self._waiting: deque[tuple[W, asyncio.Future[A]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        # Not of the one who happens to come first.
        self._context = copy_context()

    async def ask(self, wanted: W) -> A:
        """The answer; raises what `work` has raised for this one alone, or where the database is not there."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answer))
        if self._idle:
            self._idle -= 1
            task = asyncio.get_running_loop().create_task(self._empty(), context=self._context.copy())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _empty(self) -> None:
        try:
            while self._waiting:
                size = min(self._most, len(self._waiting))
                await self._do([self._waiting.popleft() for _ in range(size)])
        finally:
            self._idle += 1

    async def _do(self, batch: list[tuple[W, "asyncio.Future[A]"]]) -> None:
        try:
            answers = await self._work([wanted for wanted, _ in batch])
        except Exception as error:
            if len(batch) > 1 and not is_unreachable(error):
                await asyncio.gather(*(self._do([each]) for each in batch))
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for (_, answer), given in zip(batch, answers, strict=True):
                if not answer.done():
                    answer.set_result(given)
        finally:
            # Where we are cancelled, so are those who wait.
            for _, answer in batch:
                answer.cancel()
