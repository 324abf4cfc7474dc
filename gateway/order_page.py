"""The order page: what orders, billing and support know of one order, put together."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from fastapi import Response

from gateway.clients import Services, parse
from gateway.reconciliation import findings
from gateway.reconciliation.models import Finding
from gateway.schemas import FindingView, OrderPage, PageCustomer, TicketTotals
from gateway.together import Together
from shared import idempotency
from shared.batches import Batches
from shared.contracts.http.billing import BalanceView, InvoiceView
from shared.contracts.http.orders import OrderView, PlaceOrder
from shared.contracts.http.support import TicketCounts
from shared.contracts.http.together import MOST
from shared.db import Database
from shared.errors import NotFound

Pay = list[Literal["pay"]]
# An order and its customer.
Subjects = tuple[str, str]


class OrderPages:
    """Puts them together, for many who ask at the same time out of one answer of each service, and one look
    for findings."""

    def __init__(self, database: Database, together: Together) -> None:
        self._database, self._together = database, together
        self._findings = Batches(self._find, most=MOST)

    async def read(self, services: Services, number: str) -> Response:
        """An order's page, or why there is none."""
        return await self.of(services, await self._together.orders.ask(services.caller, number))

    async def of(self, services: Services, answer: Response) -> Response:
        """Make the orders service's answer about an order whole; a refusal stays as it is.

        A service that is down or slow costs its own part of the page, never the page.
        """
        if answer.status_code >= 400:
            return answer
        order = parse(OrderView, answer)
        counts = self._together.ticket_counts
        money, tickets, found = await asyncio.gather(
            services.billing.part(lambda: self._money(services, order)),
            services.support.part(lambda: counts.read(TicketCounts, services.caller, order.customer.id)),
            self._found(services, order),
        )
        page = _compose(order, money, tickets, found)
        return Response(page.model_dump_json(), answer.status_code, media_type="application/json")

    async def placed(self, services: Services, wanted: PlaceOrder, key: str, answer: Response) -> Response:
        """The page of an order just placed; to a repeat, the first one again, though its live parts would differ by
        now."""
        answer = await self.of(services, answer)
        if answer.status_code >= 400:
            return answer
        page = parse(OrderPage, answer)

        async def first() -> OrderPage:
            return page

        scope, request = f"{services.caller.login} POST orders", wanted.model_dump_json().encode()
        async with self._database.transaction() as session:
            shown = await idempotency.once(session, scope, key, request, OrderPage, first)
        return Response(shown.model_dump_json(), answer.status_code, media_type="application/json")

    async def _money(self, services: Services, order: OrderView) -> tuple[BalanceView, Pay]:
        """The customer's balance, and whether the asking person may pay from it now."""
        try:
            invoice = await self._together.invoices.read(InvoiceView, services.caller, order.number)
            return invoice.balance, invoice.actions
        except NotFound:
            # Placed a moment ago: billing has not heard of it yet.
            return await services.billing.read(BalanceView, f"/customers/{order.customer.id}/balance"), []

    async def _found(self, services: Services, order: OrderView) -> list[FindingView]:
        """What does not add up about the order, or about its customer; customers are not troubled with it."""
        if not services.caller.is_staff:
            return []
        found = await self._findings.ask((order.number, str(order.customer.id)))
        return [FindingView.model_validate(finding, from_attributes=True) for finding in found]

    async def _find(self, asked: Sequence[Subjects]) -> list[list[Finding]]:
        """Open findings about the subjects of each who asks."""
        async with self._database.reading() as session:
            found = await findings.list_open(session, {subject for subjects in asked for subject in subjects})
        return [[finding for finding in found if finding.subject in subjects] for subjects in asked]


def _compose(
    order: OrderView, money: tuple[BalanceView, Pay] | None, tickets: TicketCounts | None, found: list[FindingView]
) -> OrderPage:
    balance, pay = money or (None, [])
    customer = PageCustomer(
        **order.customer.model_dump(),
        balance_minor=balance and balance.balance_minor,
        held_minor=balance and balance.held_minor,
        available_minor=balance and balance.available_minor,
        active_orders=order.active_orders,
        money_actions=balance.actions if balance else [],
    )
    same = order.model_dump(exclude={"customer", "active_orders", "actions"})
    return OrderPage(
        **same,
        customer=customer,
        tickets=tickets and TicketTotals(new=tickets.new, total=tickets.total),
        actions=[*pay, *order.actions, *(["add_comment"] if tickets else [])],
        findings=found,
        unavailable=[*(["billing"] if money is None else []), *(["support"] if tickets is None else [])],
    )
