"""Every step of a payment and of a refund at which a process is made to die (`shared/failpoints.py`)."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.faults.kinds import PATIENCE_SECONDS
from tests.faults.system import PrivatePurser, points_of

# A point that is not come to within this time is disarmed; the report says which never was.
REACH_SECONDS = 10.0
_RELAYING = ("before_publish", "after_batch", "before_confirm", "after_confirm", "after_archive")
_REACTING = ("before_inbox", "after_inbox", "after_effect", "before_ack", "after_ack")
_AT_ONCE = ("before_effect", "during_effect", "after_effect", "before_ack", "after_ack")
_PAID, _REFUNDED, _CANCELLED = "billing.order_paid.v1", "billing.order_refunded.v1", "orders.order_cancelled.v1"


@dataclass(frozen=True)
class Failpoint:
    """The process dies at this step of what it does with this piece of news."""

    name: ClassVar[str] = "failpoint"
    process: str
    step: str
    subject: str

    @property
    def hits(self) -> tuple[str, ...]:
        return (self.process,)

    @property
    def is_reaction(self) -> bool:
        return self.step in (*_REACTING, *_AT_ONCE)

    @property
    def event(self) -> str:
        """Its routing key, where the subject is one or the queue of one."""
        return self.subject.rpartition(".on.")[2]

    def armed(self, folder: Path) -> Path:
        return points_of(folder, self.process) / f"{self.step}:{self.subject}"

    async def strike(self, purser: PrivatePurser) -> float:
        armed = self.armed(purser.home.folder)
        await purser.ready_again((self.process,), PATIENCE_SECONDS)
        armed.touch()
        end = time.monotonic() + REACH_SECONDS
        while armed.exists() and time.monotonic() < end:
            await asyncio.sleep(0.02)
        armed.unlink(missing_ok=True)
        return time.monotonic()


def _points(process: str, steps: tuple[str, ...], subject: str) -> list[Failpoint]:
    return [Failpoint(process, step, subject) for step in steps]


PAYMENT = (
    *_points("billing-api", ("before_look", "after_look"), "PaymentView"),
    *_points("billing-api", ("during_commit", "after_commit"), _PAID),
    *_points("billing-worker", _RELAYING, _PAID),
    *_points("orders-worker", _AT_ONCE, f"orders.on.{_PAID}"),
)
REFUND = (
    *_points("orders-api", ("before_commit", "after_commit"), _CANCELLED),
    *_points("orders-worker", _RELAYING, _CANCELLED),
    *_points("billing-worker", _REACTING, f"billing.on.{_CANCELLED}"),
    *_points("billing-worker", _RELAYING, _REFUNDED),
    *_points("orders-worker", _AT_ONCE, f"orders.on.{_REFUNDED}"),
)
POINTS = (*PAYMENT, *REFUND)
# Published and not archived, or taken effect and not acknowledged: what is done again must be delivered again.
REPEATING = {point for point in POINTS if point.step in ("before_confirm", "after_confirm", "before_ack")}


def hits(folder: Path) -> Counter[Failpoint]:
    """How often a process has died at each point; 0 where none has."""
    found = Counter(dict.fromkeys(POINTS, 0))
    for point in POINTS:
        armed = point.armed(folder)
        found[point] = len(list(armed.parent.glob(f"{armed.name}:hit by *")))
    return found
