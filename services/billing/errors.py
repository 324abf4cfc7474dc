"""What billing can refuse."""

from shared.errors import NotFound, Refusal


class UnknownInvoice(NotFound):
    """Billing has not heard of the order, or it is another customer's."""

    def __init__(self, order_number: str) -> None:
        super().__init__(f"Billing knows no order {order_number}. If it was placed just now, try again in a moment.")


class InsufficientFunds(Refusal):
    """The balance has less available than was asked for."""


class NothingToPay(Refusal):
    """The order is paid, or cancelled."""


class NothingToTell(Refusal):
    """No money has moved for the order."""


class AmountChanged(Refusal):
    """The payer saw other figures than those that hold now; the new ones are told."""


class BalanceTooLarge(Refusal):
    status = 422


class CurrencyMismatch(Refusal):
    status = 422

    def __init__(self, given: str, shop: str) -> None:
        super().__init__(f"This shop's money is {shop}, not {given}.", currency=shop)


class UnknownCustomer(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such customer.")
