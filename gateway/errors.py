"""What the gateway itself can refuse."""

from shared.errors import Forbidden, NotFound, Refusal


class WrongLoginOrPassword(Refusal):
    """Which of the two it was is not said."""

    status = 401

    def __init__(self) -> None:
        super().__init__("There is no such login with this password.")


class TooManyTries(Refusal):
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many tries to sign in. Wait {seconds} seconds and try again.")
        self.retry_after_seconds = seconds


class TooManyPayments(Refusal):
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many payments within a minute. Wait {seconds} seconds, then send this again.")
        self.retry_after_seconds = seconds


class TooManyStreams(Refusal):
    status = 429
    retry_after_seconds = 30

    def __init__(self, most: int) -> None:
        super().__init__(f"This login has {most} live streams open already: close some first.")


class GatewayFull(Refusal):
    status = 503
    retry_after_seconds = 30

    def __init__(self) -> None:
        super().__init__("No more live streams can be opened here just now. Everything else works; try again later.")


class CrossSite(Forbidden):
    """A browser sent it on behalf of another site."""

    def __init__(self) -> None:
        super().__init__("This came from a page of another site, so it was refused.")


class LoginTaken(Refusal):
    def __init__(self, login: str) -> None:
        super().__init__(f"The login {login} is taken: choose another one.")


class UnknownCustomer(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such customer.")


class UnknownStaff(NotFound):
    def __init__(self) -> None:
        super().__init__("Nobody of the staff has this login.")


class LastAdmin(Refusal):
    """Without an admin nobody could make one."""

    def __init__(self) -> None:
        super().__init__("This is the only admin who can sign in: make another one first.")


class OrderOfAnotherCustomer(Refusal):
    status = 422

    def __init__(self, number: str) -> None:
        super().__init__(f"The order {number} belongs to another customer.")


class NotKnownYet(Refusal):
    """Billing has not heard of an order that is there: the news of it is still on its way."""

    status = 503
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("The order is so new that it cannot be paid yet. Send this again in a moment.")
