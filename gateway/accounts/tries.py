"""How often signing in may fail: per login and address, per address, and per login from addresses new to it."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute

from gateway.errors import TooManyTries
from gateway.rates import Rates

# Per address, so that a stranger cannot lock a person out.
PER_LOGIN_AND_ADDRESS = RateLimitItemPerMinute(10)
# Who tries many logins.
PER_ADDRESS = RateLimitItemPerMinute(100)
# Who has many addresses. It concerns nobody who has signed in from theirs before.
PER_LOGIN = RateLimitItemPerMinute(100)
# Not a limit: how long an address is known to be a login's.
KNOWN = RateLimitItemPerDay(1, 30)


class Tries:
    """Counts failed tries, in this process. A try counts as failed until it has succeeded, so that a thousand at once
    don't all slip through."""

    def __init__(self) -> None:
        self._rates = Rates()

    async def begin(self, login: str, address: str) -> None:
        """Count a try; refuses `TooManyTries`."""
        place = _place(address)
        limits = list(_limits(login, place))
        if not await self._rates.counts.get(KNOWN.key_for(login, place)):
            limits.append((PER_LOGIN, ("anywhere", login)))
        for limit, what in limits:
            if seconds := await self._rates.count(limit, *what):
                raise TooManyTries(seconds)

    async def succeeded(self, login: str, address: str) -> None:
        """It was the person: earlier failures of this login are forgotten, and the address has one try less."""
        place = _place(address)
        (own, who), (shared, where) = _limits(login, place)
        await self._rates.limiter.clear(own, *who)
        await self._rates.counts.decr(shared.key_for(*where))
        await self._rates.counts.incr(KNOWN.key_for(login, place), KNOWN.get_expiry())


def _limits(login: str, place: str) -> Sequence[tuple[RateLimitItem, tuple[str, ...]]]:
    return (PER_LOGIN_AND_ADDRESS, ("login", login, place)), (PER_ADDRESS, ("address", place))


def _place(address: str) -> str:
    """Of IPv6 the network: whoever has one address there has 2**64."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((known, 64), strict=False)) if isinstance(known, IPv6Address) else address
