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
    """Calls `work` with all that was asked for while it was busy: nobody waits for a clock. While `most` wait, as many
    batches are done `at_a_time`: of two, Python has one and the database the other. Else two would only be smaller.

    `work` gives for each an answer, or the exception that who asks is to get, or None where one would keep the others
    waiting; or it raises. What gets nothing so is tried alone, by `alone` where that is another way, and meanwhile the
    next batch begins: nobody suffers from another. So it does where one takes longer than `patience_seconds`.
    """

    def __init__(
        self,
        work: Callable[[Sequence[W]], Awaitable[Sequence[A | Exception | None]]],
        most: int,
        alone: Callable[[W], Awaitable[A | Exception]] | None = None,
        patience_seconds: float | None = None,
        at_a_time: int = 1,
    ) -> None:
        self._work, self._alone = work, alone or self._work_on_one
        self._most, self._at_a_time = most, at_a_time
        self.patience_seconds = patience_seconds
        self._waiting: deque[_Asked[W, A]] = deque()
        self._emptying = 0
        self._tasks: set[asyncio.Task[None]] = set()
        # Not of the one who happens to come first.
        self._context = copy_context()

    async def ask(self, wanted: W) -> A:
        """The answer; raises what `work` has given or raised for this one, or where the database is not there."""
        return await self.put(wanted)

    def put(self, wanted: W) -> "asyncio.Future[A]":
        """The answer to come."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answer))
        if self._emptying == 0 or (self._emptying < self._at_a_time and len(self._waiting) >= self._most):
            self._emptying += 1
            self._begin(self._empty())
        return answer

    def _begin(self, doing: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(doing, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _empty(self) -> None:
        try:
            while self._waiting and (self._emptying == 1 or len(self._waiting) >= self._most):
                size = min(self._most, len(self._waiting))
                doing = self._do([self._waiting.popleft() for _ in range(size)])
                if self.patience_seconds is None:
                    await doing
                else:
                    await asyncio.wait([self._begin(doing)], timeout=self.patience_seconds)
        finally:
            self._emptying -= 1

    async def _work_on_one(self, wanted: W) -> A | Exception:
        [given] = await self._work([wanted])
        assert given is not None, "what is tried alone must get an answer"
        return given

    async def _do(self, batch: "list[_Asked[W, A]]") -> None:
        given: Sequence[A | Exception | None]
        try:
            given = await self._work([wanted for wanted, _ in batch])
        except Exception as error:
            given = [None if len(batch) > 1 and not is_unreachable(error) else error] * len(batch)
        except BaseException:
            # We are cancelled, and so are those who wait.
            for _, answer in batch:
                answer.cancel()
            raise
        for (wanted, answer), what in zip(batch, given, strict=True):
            if what is None:
                self._begin(self._do_alone(wanted, answer))
            else:
                _give(answer, what)

    async def _do_alone(self, wanted: W, answer: "asyncio.Future[A]") -> None:
        try:
            _give(answer, await self._alone(wanted))
        except Exception as error:
            _give(answer, error)
        except BaseException:
            answer.cancel()
            raise


def _give(answer: "asyncio.Future[A]", what: A | Exception) -> None:
    if not answer.done():
        answer.set_exception(what) if isinstance(what, Exception) else answer.set_result(what)


_Asked = tuple[W, "asyncio.Future[A]"]
