"""Goes every way that things can fall, by going back in the database to where two ways part."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

Rows = TypeVar("Rows", bound=Hashable)
Left = TypeVar("Left", bound=Hashable)
Move = tuple[Callable[[], Awaitable[object]], Left]


@dataclass
class EveryOrder(Generic[Rows, Left]):
    """`look` reads the rows that decide what follows, `moves` says what can be next and what is left to come then.

    Ways that have led to the same rows, with the same left to come, go on as one: that is what makes all of them few.
    """

    sessions: Sequence[AsyncSession]
    look: Callable[[], Awaitable[Rows]]
    moves: Callable[[Left], Awaitable[Sequence[Move[Left]]]]
    ends: set[Rows] = field(default_factory=set)
    taken: int = 0
    _known: set[Hashable] = field(default_factory=set)

    async def go(self, left: Left) -> set[Rows]:
        """Every way from here; gives the rows at their ends."""
        rows = await self.look()
        if (rows, left) in self._known:
            return self.ends
        self._known.add((rows, left))
        moves = await self.moves(left)
        if not moves:
            self.ends.add(rows)
        for take, left_then in moves:
            async with undone(*self.sessions):
                await take()
                self.taken += 1
                await self.go(left_then)
        return self.ends


@asynccontextmanager
async def undone(*sessions: AsyncSession) -> AsyncIterator[None]:
    """What is done inside is undone at the end."""
    async with AsyncExitStack() as stack:
        for session in sessions:
            savepoint = await session.begin_nested()
            stack.callback(session.expunge_all)
            stack.push_async_callback(savepoint.rollback)
        yield
