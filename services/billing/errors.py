"""What billing can refuse."""

from shared.errors import Forbidden, NotFound, Refusal


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


class UnknownHold(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such withdrawal.")


class OwnRequest(Forbidden):
    """It takes two people, whatever session or role the one of them comes with."""

    def __init__(self) -> None:
        super().__init__("You asked for this withdrawal yourself: somebody else must approve it.")


class AlreadyDecided(Refusal):
    """Somebody else was first, or nobody was in time."""

    def __init__(self, state: str, decided_by: str | None) -> None:
        by = f" by {decided_by}" if decided_by else ""
        super().__init__(f"This withdrawal is {state}{by} already.", state=state, decided_by=decided_by)


class HoldExpired(Refusal):
    def __init__(self) -> None:
        super().__init__("This withdrawal has waited too long to be approved: ask for it anew.")
