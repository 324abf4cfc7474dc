"""What does not add up between positions: the rules, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.http.reconciliation import (
    AccountPosition,
    CountsPosition,
    InvoiceFigures,
    InvoicePosition,
    OrderPosition,
    ShopCountPosition,
)
from shared.contracts.orders import OrderStatus

SHOP = "shop"


class Kind(StrEnum):
    """How something does not add up. Between two services, who is behind has missed news."""

    PAYMENT_UNSETTLED = "payment_unsettled"
    INVOICE_BEHIND = "invoice_behind"
    INVOICE_MISSING = "invoice_missing"
    INVOICE_AHEAD = "invoice_ahead"
    ORDER_AHEAD = "order_ahead"
    ORDER_MISSING = "order_missing"
    COST_DIFFERS = "cost_differs"
    PAID_DIFFERS = "paid_differs"
    ORDER_OFF = "order_off"
    INVOICE_OFF = "invoice_off"
    BALANCE_OFF = "balance_off"
    HELD_OFF = "held_off"
    TRANSFERS_MISSING = "transfers_missing"
    COUNTS_OFF = "counts_off"
    SHOP_COUNT_OFF = "shop_count_off"


Figures = dict[str, int | str | None]


@dataclass(frozen=True)
class Found:
    """Something that does not add up; `subject` is an order's number, a customer's id, or the shop."""

    kind: Kind
    subject: str
    figures: Figures


@dataclass(frozen=True)
class Pair:
    """What orders and billing hold of one order."""

    number: str
    order: OrderPosition | None
    billed: InvoicePosition | None

    def differences(self) -> list[Found]:
        return [Found(kind, self.number, figures) for kind, figures in self._differences()]

    def _differences(self) -> Iterator[tuple[Kind, Figures]]:
        invoice = self.billed.invoice if self.billed else None
        transferred_minor = self.billed.transferred_minor if self.billed else 0
        if self.order is not None:
            yield from _of_order(self.order)
        if invoice is not None and invoice.paid_minor != transferred_minor:
            yield Kind.INVOICE_OFF, {"invoice_paid_minor": invoice.paid_minor, "transferred_minor": transferred_minor}
        if self.order is None:
            if self.billed is not None:
                total_minor = invoice.total_minor if invoice else None
                yield Kind.ORDER_MISSING, {"invoice_total_minor": total_minor, "transferred_minor": transferred_minor}
        elif invoice is None:
            yield (
                Kind.INVOICE_MISSING,
                {"order_total_minor": self.order.total_minor, "transferred_minor": transferred_minor},
            )
        else:
            yield from _of_cost(self.order, invoice)
            yield from _of_payment(self.order, invoice)


def _of_order(order: OrderPosition) -> Iterator[tuple[Kind, Figures]]:
    kept = order.status, order.total_minor, 0
    if kept != (order.settled_status, order.settled_total_minor, order.misplaced_items):
        yield (
            Kind.ORDER_OFF,
            {
                "order_status": order.status,
                "settled_status": order.settled_status,
                "order_total_minor": order.total_minor,
                "settled_total_minor": order.settled_total_minor,
                "misplaced_items": order.misplaced_items,
            },
        )


def _of_cost(order: OrderPosition, invoice: InvoiceFigures) -> Iterator[tuple[Kind, Figures]]:
    """Billing hears only of versions that change what an order costs, so its own may be lower."""
    cancelled = order.status is OrderStatus.CANCELLED
    same = (order.total_minor, cancelled, order.currency, order.customer_id) == (
        invoice.total_minor,
        invoice.cancelled,
        invoice.currency,
        invoice.customer_id,
    )
    if invoice.order_version > order.version:
        kind = Kind.INVOICE_AHEAD
    elif same:
        return
    else:
        kind = Kind.INVOICE_BEHIND if invoice.order_version < order.version else Kind.COST_DIFFERS
    yield (
        kind,
        {
            "order_total_minor": order.total_minor,
            "invoice_total_minor": invoice.total_minor,
            "order_version": order.version,
            "invoice_order_version": invoice.order_version,
        },
    )


def _of_payment(order: OrderPosition, invoice: InvoiceFigures) -> Iterator[tuple[Kind, Figures]]:
    if order.billing_version == invoice.version and order.paid_minor == invoice.paid_minor:
        return
    if order.billing_version == invoice.version:
        kind = Kind.PAID_DIFFERS
    else:
        kind = Kind.PAYMENT_UNSETTLED if order.billing_version < invoice.version else Kind.ORDER_AHEAD
    yield (
        kind,
        {
            "order_paid_minor": order.paid_minor,
            "invoice_paid_minor": invoice.paid_minor,
            "order_billing_version": order.billing_version,
            "invoice_version": invoice.version,
        },
    )


def of_account(account: AccountPosition) -> Iterator[Found]:
    customer = str(account.customer_id)
    if account.balance_minor != account.transferred_minor:
        figures: Figures = {
            "balance_minor": account.balance_minor,
            "transferred_minor": account.transferred_minor,
        }
        yield Found(Kind.BALANCE_OFF, customer, figures)
    if account.held_minor != account.waiting_minor:
        figures = {"held_minor": account.held_minor, "waiting_minor": account.waiting_minor}
        yield Found(Kind.HELD_OFF, customer, figures)
    if not account.version == account.changes == account.last_version:
        figures = {
            "account_version": account.version,
            "changes": account.changes,
            "last_version": account.last_version,
        }
        yield Found(Kind.TRANSFERS_MISSING, customer, figures)


def of_counts(counts: CountsPosition) -> Iterator[Found]:
    kept = counts.total, counts.new, counts.answered
    if kept != (counts.counted_total, counts.counted_new, counts.counted_answered):
        yield Found(Kind.COUNTS_OFF, str(counts.customer_id), counts.model_dump(exclude={"customer_id"}))


def of_shop(count: ShopCountPosition) -> Iterator[Found]:
    if count.new != count.counted_new:
        yield Found(Kind.SHOP_COUNT_OFF, SHOP, count.model_dump())
