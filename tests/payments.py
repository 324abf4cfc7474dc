"""One payment: while its order and balance are held, or as billing makes many."""

from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.pay_for_order import Payment, pay_for_order_held
from services.billing.routes.asking import pay_alone, pay_together
from shared.auth import Caller
from shared.contracts.http.billing import PayForOrder, PaymentView
from shared.db import Database
from shared.errors import Refusal
from shared.idempotency import Claim


async def pay(
    session: AsyncSession, caller: Caller, number: str, wanted: PayForOrder, key: str = "", request: bytes = b""
) -> PaymentView:
    """Under a new key, unless one is given; raises the refusal."""
    claim = Claim.of("test", key or str(uuid4()), request)
    return _given(await pay_for_order_held(session, Payment(caller, number, wanted, claim)))


async def pay_as_it_comes(
    database: Database, caller: Caller, number: str, wanted: PayForOrder, key: str = ""
) -> PaymentView:
    """The same with nothing held, as long as nobody comes between."""
    payment = Payment(caller, number, wanted, Claim.of("test", key or str(uuid4()), b""))
    [answer] = await pay_together(database, [payment])
    return _given(answer or await pay_alone(database, payment))


def _given(answer: PaymentView | Refusal) -> PaymentView:
    if isinstance(answer, Refusal):
        raise answer
    return answer
