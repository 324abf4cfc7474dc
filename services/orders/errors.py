"""What orders can refuse."""

from shared.errors import NotFound, Refusal


class UnknownCustomer(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such customer.")


class UnknownOrder(NotFound):
    def __init__(self, number: str) -> None:
        super().__init__(f"There is no order {number}.")


class UnknownItem(NotFound):
    def __init__(self, line: int) -> None:
        super().__init__(f"The order has no item {line}.")


class LoginTaken(Refusal):
    def __init__(self, login: str) -> None:
        super().__init__(f"The login {login} is somebody else's: choose another.")


class NotCancellable(Refusal):
    """It has left the shop."""


class TransitionRefused(Refusal):
    """The item does not go from where it stands to there."""


class NotChangeable(Refusal):
    """Price and quantity stand once an item is shipped, or dead."""


class TotalTooLarge(Refusal):
    status = 422


class CurrencyMismatch(Refusal):
    status = 422

    def __init__(self, given: str, shop: str) -> None:
        super().__init__(f"This shop's money is {shop}, not {given}.", currency=shop)
