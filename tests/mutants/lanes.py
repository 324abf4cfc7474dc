"""Two at a time, each on servers of its own: a test is waiting most of its time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import Queue
from typing import TypeVar

from tests.conftest import names_of
from tests.servers import running_servers

LANES = 2
Item = TypeVar("Item")
Result = TypeVar("Result")
Servers = Mapping[str, str]
"""Where they are, as the environment of the tests tells it."""


class Lanes:
    """`servers` that are not in use, lent to one at a time."""

    def __init__(self, each: Iterable[Servers]) -> None:
        self._free: Queue[Servers] = Queue()
        for servers in each:
            self._free.put(servers)

    @contextmanager
    def servers(self) -> Iterator[Servers]:
        lent = self._free.get()
        try:
            yield lent
        finally:
            self._free.put(lent)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """What comes of each."""
        with ThreadPoolExecutor(LANES) as pool:
            return list(pool.map(work, items))


@contextmanager
def running_lanes() -> Iterator[Lanes]:
    with ExitStack() as stack:
        started = [stack.enter_context(running_servers(names_of("main"))) for _ in range(LANES)]
        yield Lanes(
            {"PURSER_TEST_POSTGRES_URL": each.postgres_url, "PURSER_TEST_BROKER_URL": each.broker_url}
            for each in started
        )
