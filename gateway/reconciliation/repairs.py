"""What can be put right without a person's judgement: facts are told again by their owner, tickets counted anew.

Transfers and balances are never touched, and whose word counts is never decided here.
"""

import asyncio
from collections.abc import Collection, Sequence

from gateway.clients import Service, Services, parse
from gateway.reconciliation.books import Books
from gateway.reconciliation.differences import Kind
from gateway.reconciliation.models import Finding
from shared.contracts.http.reconciliation import ToldAgain
from shared.errors import Unavailable

# News that was told again should have arrived by then.
ARRIVES_SECONDS = 30

BY_ORDERS = (Kind.INVOICE_BEHIND, Kind.INVOICE_MISSING)
BY_BILLING = (Kind.PAYMENT_UNSETTLED,)
BY_SUPPORT = (Kind.COUNTS_OFF, Kind.SHOP_COUNT_OFF)
SAFE = (*BY_ORDERS, *BY_BILLING, *BY_SUPPORT)


async def repair(services: Services, books: Books, finding: Finding, found: Sequence[Finding]) -> str | None:
    """Do what is safe; gives what was done, or None where a person must decide. Refuses `Unavailable`.

    `found` is everything open about the same subject: what is wrong in another way too must not be told on.
    """
    kind = Kind(finding.kind)
    if any(other.subject == finding.subject and other.kind not in SAFE for other in found):
        return None
    if kind in BY_ORDERS:
        version = await _ask(services.orders, f"/orders/{finding.subject}/telling")
        return f"orders told {finding.subject} again, as version {version}"
    if kind in BY_BILLING:
        version = await _ask(services.billing, f"/orders/{finding.subject}/telling")
        return f"billing told what was paid for {finding.subject} again, as version {version}"
    if kind in BY_SUPPORT:
        customer = finding.subject if kind is Kind.COUNTS_OFF else await _somebody(books)
        if customer is not None:
            version = await _ask(services.support, f"/customers/{customer}/recount")
            return f"support counted the tickets of {customer}, and the shop's new ones, and told version {version}"
    return None


async def _ask(service: Service, path: str) -> int:
    answer = await service.ask("POST", path)
    if answer.status_code != 200:
        raise Unavailable(f"{service.name} did not do it ({answer.status_code}).")
    return parse(ToldAgain, answer).version


async def _somebody(books: Books) -> str | None:
    """Who has tickets: the shop's count is told with theirs."""
    async for counts in books.counts():
        return str(counts.customer_id)
    return None


async def arrived(books: Books, repaired: Sequence[Finding]) -> Collection[tuple[str, str]]:
    """Those that add up now, by subject and kind; those that do not yet are waited for."""
    done = {(finding.subject, finding.kind) for finding in repaired if finding.kind in BY_SUPPORT}
    waiting = {(finding.subject, finding.kind) for finding in repaired} - done
    for _ in range(ARRIVES_SECONDS):
        still: set[tuple[str, str]] = set()
        async for pair in books.look_again(sorted({subject for subject, _ in waiting})):
            still |= {(found.subject, found.kind.value) for found in pair.differences()} & waiting
        done |= waiting - still
        waiting = still
        if not waiting:
            break
        await asyncio.sleep(1)
    return done
