"""How often something may be done: counted in this process, a minute at a time."""

import math
import time
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from gateway.errors import TooManyPayments


class Rates:
    """Counts what is done, by whatever names it."""

    def __init__(self) -> None:
        self.counts = MemoryStorage()
        self.limiter = FixedWindowRateLimiter(self.counts)

    async def count(self, limit: RateLimitItem, *what: str) -> int:
        """Count it once more; gives how many seconds to wait where that is too often, else 0."""
        if await self.limiter.hit(limit, *what):
            return 0
        reset_at = (await self.limiter.get_window_stats(limit, *what)).reset_time
        return max(1, math.ceil(reset_at - time.time()))


class Payments:
    """How often a customer pays. Staff are not counted."""

    def __init__(self, per_minute: int) -> None:
        self._rates = Rates()
        self._limit = RateLimitItemPerMinute(per_minute)

    async def begin(self, customer_id: UUID) -> None:
        """Count a payment, whatever becomes of it; refuses `TooManyPayments`."""
        if seconds := await self._rates.count(self._limit, str(customer_id)):
            raise TooManyPayments(seconds)
