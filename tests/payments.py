"""One payment, as billing makes many."""

from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.pay_for_order import Payment, pay_for_order
from shared.auth import Caller
from shared.contracts.http.billing import PayForOrder, PaymentView
from shared.errors import Refusal
from shared.idempotency import Claim


async def pay(
    session: AsyncSession, caller: Caller, number: str, wanted: PayForOrder, key: str = "", request: bytes = b""
) -> PaymentView:
    """Under a new key, unless one is given; raises the refusal."""
    claim = Claim.of("test", key or str(uuid4()), request)
    [answer] = await pay_for_order(session, [Payment(caller, number, wanted, claim)])
    if isinstance(answer, Refusal):
        raise answer
    assert answer is not None
    return answer
