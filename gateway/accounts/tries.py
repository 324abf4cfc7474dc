"""How often signing in may fail: per login and address, and per address."""

import time
from collections.abc import Sequence

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from gateway.errors import TooManyTries

# Per address, so that a stranger cannot lock a person out; the second one stops trying many logins.
PER_LOGIN_AND_ADDRESS = RateLimitItemPerMinute(10)
PER_ADDRESS = RateLimitItemPerMinute(100)


class Tries:
    """Counts failed tries, in this process. A try counts as failed until it has succeeded, so that a thousand at once
    don't all slip through."""

    def __init__(self) -> None:
        self._counts = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._counts)

    async def begin(self, login: str, address: str) -> None:
        """Count a try; refuses `TooManyTries`."""
        for limit, what in _limits(login, address):
            if not await self._limiter.hit(limit, *what):
                reset_at = (await self._limiter.get_window_stats(limit, *what)).reset_time
                raise TooManyTries(max(1, round(reset_at - time.time())))

    async def succeeded(self, login: str, address: str) -> None:
        """It was the person: earlier failures of this login are forgotten, and the address has one try less."""
        (own, who), (shared, where) = _limits(login, address)
        await self._limiter.clear(own, *who)
        await self._counts.decr(shared.key_for(*where))


def _limits(login: str, address: str) -> Sequence[tuple[RateLimitItem, tuple[str, ...]]]:
    return (PER_LOGIN_AND_ADDRESS, ("login", login, address)), (PER_ADDRESS, ("address", address))
